"""From a `Panel` to a `Market`: the floats that pods study into the integers that the fund books.

This is the one place where prices of a run become money. Work goes in blocks of rows, so that the
peak is little more than what is returned.
"""

from collections.abc import Iterator
from hashlib import blake2b, sha256
from weakref import WeakKeyDictionary

import numpy as np

from podshop.domain.error import DataError
from podshop.domain.market import Daily, Market, Panel
from podshop.domain.money import F32, F64, I64, Bools, prices_to_micros, read_only
from podshop.market.panel import departures

BLOCK_DAYS = 64
LARGEST_PRICE = 1e12
"""Currency units per lot above which int64 micros leave no room for a book of lots."""


def quotes(panel: Panel) -> Market:
    """Turn a panel into the market that books are kept against.

    Args:
        panel: history; `rate_t` is taken over as it is.

    Returns:
        The same sessions and assets in micros and lots. Where the data has opens, a session without
        an open is not tradable (reference 0), even if it has a close: an order for the open would
        not have been filled.

    Raises:
        DataError: a price is too small or too large to be int64 micros per lot.
    """
    if panel not in _QUOTED:
        _QUOTED[panel] = _quoted(panel)
    return _QUOTED[panel]


_QUOTED: WeakKeyDictionary[Panel, Market] = WeakKeyDictionary()
"""Markets of the panels in use: a panel never changes, and many backtests run on one."""


def _quoted(panel: Panel) -> Market:
    splits = _splits(panel)
    mark_tn, traded_tn = _marks(panel, splits)
    market = Market(
        days=panel.days,
        assets=panel.assets,
        sector_n=np.array(panel.assets.limited_ids(), dtype=np.int64),
        reference_tn=_references(panel, mark_tn, traded_tn),
        mark_tn=mark_tn,
        traded_tn=traded_tn,
        volume_tn=_volumes(panel.volume),
        returns_nt=_by_asset(panel.returns),
        dividends=_happenings(panel.dividend, 0.0),
        splits=splits,
        delistings=_delistings(panel),
        rate_t=panel.rate_t,
        year_t=_years(panel),
        opens=panel.opens,
        signals=panel.signals,
    )
    arrays = (market.sector_n, market.reference_tn, mark_tn, traded_tn, market.volume_tn)
    rare = (market.dividends, market.splits, market.delistings)
    packed = (a for daily in rare for a in (daily.start_t, daily.asset, daily.value))
    for array in (*arrays, market.returns_nt, market.year_t, *packed):
        read_only(array)
    return market


def row_hash(market: Market, t: int) -> str:
    """Fingerprint of one session: everything that row t of the market says.

    Returns:
        32 hexadecimal digits; the same for a market cut at any later row.
    """
    digest = blake2b(str(market.days[t]).encode(), digest_size=16)
    for row in (market.reference_tn, market.mark_tn, market.volume_tn, market.traded_tn):
        digest.update(np.ascontiguousarray(row[t]).data)
    digest.update(np.ascontiguousarray(market.returns_nt[:, t]).data)
    for daily in (market.dividends, market.splits, market.delistings):
        assets, values = daily.at(t)
        digest.update(len(assets).to_bytes(8, "little") + assets.tobytes() + values.tobytes())
    digest.update(market.rate_t[t].tobytes() + market.year_t[t].tobytes())
    for name in sorted(market.signals):
        digest.update(name.encode() + market.signals[name][t].tobytes())
    return digest.hexdigest()


def data_hash(market: Market) -> str:
    """Fingerprint of the whole market: names, sectors, and every figure of every session.

    Returns:
        32 hexadecimal digits; the same for a market cut at a day and one that ends there.
    """
    if market not in _HASHED:
        _HASHED[market] = _hashed(market)
    return _HASHED[market]


_HASHED: WeakKeyDictionary[Market, str] = WeakKeyDictionary()
"""Fingerprints of the markets in use, which never change either."""


def _hashed(market: Market) -> str:
    # The bulk goes through SHA-256, for which processors have instructions.
    digest = sha256("\x1f".join(market.assets.symbols).encode() + b"\x1e")
    digest.update("\x1f".join(market.assets.sectors).encode() + b"\x1e")
    digest.update(f"{len(market)} {market.opens} {' '.join(sorted(market.signals))}".encode())
    digest.update(market.days.astype("datetime64[D]").tobytes())
    counts = (market.reference_tn, market.mark_tn, market.volume_tn, market.traded_tn)
    signals = (market.signals[name] for name in sorted(market.signals))
    for array in (*counts, market.rate_t, market.year_t, *signals):
        digest.update(np.ascontiguousarray(array).data)
    for first in range(0, len(market.returns_nt), BLOCK_DAYS):
        digest.update(np.ascontiguousarray(market.returns_nt[first : first + BLOCK_DAYS]).data)
    for daily in (market.dividends, market.splits, market.delistings):
        a, b = daily.start_t[0], daily.start_t[-1]
        digest.update((daily.start_t - a).tobytes())
        digest.update(daily.asset[a:b].tobytes() + daily.value[a:b].tobytes())
    return digest.hexdigest()[:32]


def _blocks(rows: int) -> Iterator[slice]:
    """Slices of BLOCK_DAYS rows that cover all rows."""
    for start in range(0, rows, BLOCK_DAYS):
        yield slice(start, min(start + BLOCK_DAYS, rows))


def _marks(panel: Panel, splits: Daily) -> tuple[I64, Bools]:
    """Marks carried forward over days without a price, and where a session has one of its own."""
    mark_tn = np.empty(panel.close.shape, dtype=np.int64)
    traded_tn = np.empty(panel.close.shape, dtype=np.bool_)
    last_n = np.zeros(panel.close.shape[1], dtype=np.int64)
    for block in _blocks(len(panel)):
        close = panel.close[block]
        traded = np.isfinite(close)
        traded_tn[block] = traded
        _refuse_extremes(panel, block.start, traded & ~((close >= 1e-6) & (close <= LARGEST_PRICE)))
        micros_tn = prices_to_micros(close)
        if traded.all() and splits.start_t[block.start] == splits.start_t[block.stop]:
            mark_tn[block], last_n = micros_tn, micros_tn[-1].copy()
            continue
        for t, micros_n in enumerate(micros_tn, start=block.start):
            for asset, ratio in zip(*splits.at(t), strict=True):
                # A name that splits while it has no price is worth its last price in new lots.
                last_n[asset] = (last_n[asset] * 1_000_000 + ratio // 2) // ratio
            np.copyto(last_n, micros_n, where=traded_tn[t])
            mark_tn[t] = last_n
    return mark_tn, traded_tn


def _refuse_extremes(panel: Panel, start: int, wrong: Bools) -> None:
    """Refuse closes that micros cannot hold."""
    if not wrong.any():
        return
    t, n = divmod(int(wrong.argmax()), wrong.shape[1])
    raise DataError(
        f"{panel.assets.symbols[n]} {panel.days[start + t]}: close {panel.close[start + t, n]} is "
        f"outside 1e-6..{LARGEST_PRICE:g} a lot; quote the name in lots of another size"
    )


def _references(panel: Panel, mark_tn: I64, traded_tn: Bools) -> I64:
    """Opens in micros, or closes where the data has only those; 0 = not tradable in the session."""
    if not panel.opens:
        return mark_tn * traded_tn
    reference_tn = np.empty_like(mark_tn)
    for block in _blocks(len(panel)):
        reference_tn[block] = prices_to_micros(panel.open[block])
    reference_tn *= traded_tn
    return reference_tn


def _volumes(volume: F64) -> I64:
    """Lots traded, rounded half up; -1 where unknown."""
    volume_tn = np.full(volume.shape, -1, dtype=np.int64)
    if volume.strides == (0, 0):  # the constant NaN of data without volumes
        return volume_tn
    for block in _blocks(len(volume)):
        lots = np.floor(np.nan_to_num(volume[block], nan=-1.0) + 0.5)
        volume_tn[block] = lots.astype(np.int64)
    return volume_tn


def _by_asset(returns: F64) -> F32:
    """Returns as float32, one row an asset, 0 where there is none."""
    days, assets = returns.shape
    returns_nt = np.empty((assets, days), dtype=np.float32)
    for block in _blocks(days):
        returns_nt[:, block] = np.nan_to_num(returns[block], nan=0.0).T
    return returns_nt


def _pack(rows: int, t: I64, asset: I64, value: I64) -> Daily:
    """Pack happenings that are sorted by session, then asset."""
    return Daily(np.searchsorted(t, np.arange(rows + 1)).astype(np.int64), asset, value)


def _happenings(values: F64, ordinary: float) -> Daily:
    """Cells that differ from the ordinary value, in millionths; those that round to it are not."""
    if values.strides == (0, 0):  # the constant of data without such actions
        nothing = np.zeros(0, dtype=np.int64)
        return _pack(len(values), nothing, nothing.copy(), nothing.copy())
    t, n = np.nonzero(values != ordinary)
    micros = prices_to_micros(values[t, n])
    counts = micros != round(ordinary * 1e6)
    return _pack(len(values), t[counts], n[counts].astype(np.int64), micros[counts])


def _splits(panel: Panel) -> Daily:
    """Split ratios in millionths."""
    splits = _happenings(panel.split, 1.0)
    if (splits.value <= 0).any():
        n = int(splits.asset[splits.value <= 0][0])
        raise DataError(
            f"{panel.assets.symbols[n]}: a split of less than one lot in a million; "
            "start a new symbol on that day instead"
        )
    return splits


def _delistings(panel: Panel) -> Daily:
    """Assets that are gone, on the session on which that is known."""
    rows, asset = departures(panel.close, panel.gone_days)
    return _pack(len(panel), rows, asset, np.zeros(len(asset), dtype=np.int64))


def _years(panel: Panel) -> F64:
    """Calendar time since the session before in years of 365 days; 0 for the first."""
    year_t = np.zeros(len(panel))
    year_t[1:] = (panel.days[1:] - panel.days[:-1]).astype(np.int64) / 365.0
    return year_t
