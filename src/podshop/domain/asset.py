"""What can be held: a list of assets with a permanent number each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assets:
    """The fund's universe; an asset's id is its position here and never changes.

    Attributes:
        symbols: (N,) ticker of each asset.
        sectors: (N,) sector name of each asset; "" when unknown.
    """

    symbols: tuple[str, ...]
    sectors: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.symbols)

    def sector_ids(self) -> list[int]:
        """Number the sectors in alphabetical order; unknown sectors get an id of their own."""
        names = {name: i for i, name in enumerate(sorted(set(self.sectors)))}
        return [names[name] for name in self.sectors]
