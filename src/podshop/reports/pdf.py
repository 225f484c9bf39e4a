"""A page on paper: Chromium prints an HTML report as PDF, where there is one."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Names under which Chromium and its kin are installed."""
QUIET = (
    "--headless=new",
    "--disable-gpu",
    "--no-sandbox",  # a page of our own without a network; containers have no user namespaces
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-pdf-header-footer",
)
DRAWN_MS = 20_000
"""Virtual milliseconds that the plots may take; Chromium does not wait them out."""
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Printed:
    """Whether a page was printed, and what to say about it.

    Attributes:
        done: True when the PDF is there; it can be used as a truth value.
        message: where it is, or why it is not and what to do.
    """

    done: bool
    message: str

    def __bool__(self) -> bool:
        return self.done


def find_chromium() -> str | None:
    """Path of a Chromium on this machine; None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def write_pdf(html_path: Path, pdf_path: Path, seconds: int = PATIENCE_SECONDS) -> Printed:
    """Print a page of ours as PDF; the HTML stays as it is.

    Args:
        html_path: the page.
        pdf_path: the PDF; replaced whole, and only when printing went well.
        seconds: how long to wait for the browser.

    Returns:
        True in a condition when the PDF was written; the message says what to install, or what
        the browser said.

    Raises:
        FileNotFoundError: there is no page at `html_path`.
    """
    if not html_path.is_file():
        raise FileNotFoundError(f"no page to print: {html_path} is not there")
    browser = find_chromium()
    if browser is None:
        return Printed(
            False,
            f"no PDF: there is no Chromium to print with; the page is {html_path}\n"
            "  -> install it (Debian, Ubuntu: apt-get install chromium) and try again, or open the "
            "page in any browser and print it there",
        )
    with TemporaryDirectory(prefix="podshop-pdf-") as scratch:
        part = Path(scratch) / "page.pdf"
        command = [browser, *QUIET, f"--user-data-dir={scratch}/profile"]
        command += [f"--virtual-time-budget={DRAWN_MS}", f"--print-to-pdf={part}"]
        command.append(html_path.resolve().as_uri())
        why = _run(command, seconds)
        if not (part.is_file() and part.read_bytes()[:5] == b"%PDF-"):
            return Printed(False, f"no PDF: {browser} {why}; the page is {html_path}")
        pdf_path.parent.mkdir(parents=True, exist_ok=True)
        beside = pdf_path.with_name(f".{pdf_path.name}.part")
        shutil.copyfile(part, beside)
        beside.replace(pdf_path)
    return Printed(True, f"wrote {pdf_path}")


def _run(command: list[str], seconds: int) -> str:
    """Run the browser; how it ended, in words that complete "the browser ..."."""
    try:
        done = subprocess.run(  # noqa: S603 - a browser that `which` found, and our own page
            command, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {seconds} s"
    except OSError as error:
        return f"did not start ({error})"
    last = done.stderr.strip().splitlines()[-1:] or ["said nothing"]
    return f"ended with {done.returncode}: {last[0]}"
