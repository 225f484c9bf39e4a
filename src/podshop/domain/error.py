"""Everything that can go wrong, as one tree. An error means: do not trade.

FundError
├─ ConfigError     the fund file is wrong: names the file, the line, the key and what to do
├─ RequestRefused  what a person asked of a pod cannot be done now
├─ DataError       the market data cannot be trusted or is missing
├─ PodError        a pod threw, returned NaN, looked ahead or exceeded its declared gross
├─ LedgerError     the journal or the books do not add up
│  ├─ ChainBroken    a byte of the journal was changed
│  └─ LawBroken      one of the nine laws does not hold
├─ BrokerError     the broker cannot be reached, or refuses
└─ SolverError     an optimiser found no solution (absorbed by its fallback chain)

A breach of a limit, a rejected order, a fallback are events, not errors.
"""


class FundError(Exception):
    """Base of every error that podshop raises on purpose; stops trading."""


class ConfigError(FundError):
    """The fund file is wrong; the message names file, line, key and remedy."""


class RequestRefused(FundError):
    """What a person asked of a pod cannot be done now."""


class DataError(FundError):
    """Market data is missing, stale or impossible."""


class PodError(FundError):
    """A pod broke its contract; the message names the pod, the day and the asset."""


class LedgerError(FundError):
    """The journal or the books do not add up."""


class ChainBroken(LedgerError):
    """The hash chain of the journal does not verify: something was changed after the fact."""


class LawBroken(LedgerError):
    """One of the laws in `ledger/audit.py` does not hold."""


class BrokerError(FundError):
    """The broker cannot be reached or refuses; the outcome of an order is not guessed."""


class SolverError(FundError):
    """An optimiser found no solution."""
