"""A simulated market in a market store of its own, with the truth beside it."""

from dataclasses import dataclass
from pathlib import Path

from podshop.adapters.stores.market import MarketStore
from podshop.domain.error import ConfigError
from podshop.simulator.world import simulate


@dataclass(frozen=True, slots=True)
class Summary:
    """What was made.

    Attributes:
        store: the folder.
        version: of the store.
        rows: rows of every table.
        first, last: sessions, as ISO dates.
        truth: the folder of the truth.
    """

    store: str
    version: int
    rows: dict[str, int]
    first: str
    last: str
    truth: str


def data_simulate(
    store_dir: str | Path, names: int = 3000, years: float = 10, seed: int = 7, faults: int = 0
) -> Summary:
    """Draw a market and keep it: `podshop data simulate`.

    Args:
        store_dir: an empty or new folder.
        names: securities in all.
        years: of 252 sessions.
        seed: not negative.
        faults: bad ticks of each kind.

    Raises:
        ConfigError: the store holds data already: made-up prices never mix with real ones.
    """
    store = MarketStore(store_dir)
    if store.version:
        raise ConfigError(
            f"{store_dir}: holds version {store.version} of a market store already; "
            f"simulate into a folder of its own"
        )
    world = simulate(names, years, seed, faults=faults)
    version = world.write(store)
    days = world.truth.days
    rows = {name: frame.height for name, frame in world.tables.items()}
    truth = str(store.folder / "truth")
    return Summary(str(store_dir), version, rows, str(days[0]), str(days[-1]), truth)
