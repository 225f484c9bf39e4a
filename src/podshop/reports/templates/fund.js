/* Draws the plots. Their colours are written for light paper; in dark mode the four that carry words
   and rules are swapped, and on paper they stay light. */
(() => {
  const read = (id) => document.getElementById(id).textContent;
  const days = JSON.parse(read("days"));
  const ink = JSON.parse(read("ink"));
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const holders = [...document.querySelectorAll(".plot")];
  const config = {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  };
  let scale = "linear";

  const spec = (name, paper) => {
    let text = read("plot-" + name);
    if (dark.matches && !paper) {
      const style = getComputedStyle(document.documentElement);
      for (const [word, colour] of Object.entries(ink)) {
        text = text.replaceAll(colour, style.getPropertyValue("--" + word).trim());
      }
    }
    const { data, layout } = JSON.parse(text);
    for (const trace of data) {
      if (!("x" in trace)) trace.x = days;
    }
    if (name === "equity") layout.yaxis.type = scale;
    return { data, layout };
  };

  const draw = (paper) => {
    for (const holder of holders) {
      const { data, layout } = spec(holder.dataset.plot, paper);
      if (paper) layout.width = 700;
      // A holder that knows its height is moved to the next page as a whole.
      holder.style.height = layout.height + "px";
      Plotly.react(holder, data, layout, config);
    }
  };

  for (const button of document.querySelectorAll("[data-scale]")) {
    button.addEventListener("click", () => {
      scale = button.dataset.scale;
      for (const each of document.querySelectorAll("[data-scale]")) {
        each.setAttribute("aria-pressed", String(each === button));
      }
      Plotly.relayout(document.querySelector('[data-plot="equity"]'), { "yaxis.type": scale });
    });
  }
  dark.addEventListener("change", () => draw(false));
  window.addEventListener("beforeprint", () => draw(true));
  window.addEventListener("afterprint", () => draw(false));
  draw(false);
})();
