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
        """Number the sectors in alphabetical order; unknown sectors share the number of "".

        Strategies compare a name with its sector, and names of unknown sector with each other.
        """
        names = {name: i for i, name in enumerate(sorted(set(self.sectors)))}
        return [names[name] for name in self.sectors]

    def limited_ids(self) -> list[int]:
        """The same for limits: of two names of unknown sector nobody knows that they share one, so
        each is a sector of its own.
        """
        ids = self.sector_ids()
        own = iter(range(max(ids, default=-1) + 1, len(ids) + len(set(ids))))
        return [next(own) if name == "" else i for i, name in zip(ids, self.sectors, strict=True)]
