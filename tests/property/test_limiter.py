"""The limiter: whatever the rhythm of those who ask, no rolling minute sees more than allowed."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from podshop.adapters.web.limiter import Limiter


@given(
    st.lists(st.floats(0.0, 20.0), min_size=1, max_size=400),
    st.integers(10, 300),
    st.integers(1, 5),
    st.integers(1, 3),
)
def test_no_rolling_minute_has_more_than_the_rate_and_the_burst(
    pauses: list[float], per_minute: int, burst: int, processes: int
) -> None:
    clock = [1_000.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    sent: list[float] = []
    with TemporaryDirectory() as folder:
        limiters = [
            Limiter(Path(folder) / "shared", per_minute, burst, lambda: clock[0], sleep)
            for _ in range(processes)
        ]
        for number, pause in enumerate(pauses):
            clock[0] += pause if number % 7 == 0 else 0.0
            limiters[number % processes].wait()
            sent.append(clock[0])
    for first, moment in enumerate(sent):
        inside = sum(1 for other in sent[first:] if other < moment + 60.0 - 1e-6)
        assert inside <= per_minute + burst


def test_a_pause_holds_for_everybody_and_ends(tmp_path: Path) -> None:
    clock = [50.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    one = Limiter(tmp_path / "shared", 60, 3, lambda: clock[0], sleep)
    two = Limiter(tmp_path / "shared", 60, 3, lambda: clock[0], sleep)
    one.wait()
    one.pause(17.0)
    assert two.wait() == 17.0
    assert clock[0] == 67.0
    # After a pause nothing comes in a burst: the vendor is still angry.
    assert one.wait() == 1.0


def test_a_clock_set_back_by_a_day_does_not_stop_the_work(tmp_path: Path) -> None:
    clock = [1e9]
    limiter = Limiter(tmp_path / "shared", 60, 1, lambda: clock[0], lambda _: None)
    limiter.wait()
    clock[0] -= 86_400.0
    assert limiter.wait() <= 3_600.0
