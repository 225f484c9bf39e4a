"""The result of a run: everything that happened, as polars frames, and a summary.

The frames are views of the tape; each is built when first asked for. Amounts are int64 micros.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from podshop.adapters.stores.sqlite import file_hash
from podshop.domain.book import Book
from podshop.domain.event import FillKind, Part
from podshop.domain.market import Market, Panel
from podshop.domain.money import I64
from podshop.domain.order import order_text
from podshop.domain.pod import PodStatus
from podshop.domain.rules import Rules
from podshop.market.quotes import data_hash
from podshop.research.tape import Tape

TABLES = ("nav", "pods", "attribution", "orders", "fills", "events", "allocation", "marks")
"""Tables that `write` puts into the output folder, one Parquet file each."""


JOURNAL = "journal.sqlite"
"""The journal's file name in every output folder."""


class Run:
    """A finished run of a fund.

    Attributes:
        rules: what was run.
        panel: on what data.
        journal_hash: head of the journal's hash chain; None when none was kept.
        book: the state after the last session.
    """

    def __init__(
        self,
        rules: Rules,
        panel: Panel,
        market: Market,
        start: int,
        stop: int,
        tape: Tape,
        journal_hash: str | None,
        book: Book,
    ) -> None:
        """Wrap a tape; rows [start, stop) of the panel were traded."""
        self.rules, self.panel, self.market = rules, panel, market
        self.start, self.stop, self.tape = start, stop, tape
        self.journal_hash, self.book = journal_hash, book

    @property
    def source(self) -> str:
        """Where the data comes from and how orders fill on it, in one or two sentences."""
        fills = "next open" if self.panel.opens else "next close (the data has no opens)"
        return f"{self.panel.source} Orders fill at the {fills}."

    @cached_property
    def nav(self) -> pl.DataFrame:
        """(date, nav_micros, unit_value, cash_micros) of the fund at each close."""
        tape = self.tape
        return pl.DataFrame(
            {
                "date": _dates(tape.day_d),
                "nav_micros": tape.nav_d,
                "unit_value": tape.unit_d,
                "cash_micros": tape.cash_d,
            }
        )

    @cached_property
    def pods(self) -> pl.DataFrame:
        """One row a session and pod: NAV, unit value, nominal capital, drawdown, status, cut."""
        tape, pods = self.tape, len(self.rules.pods)
        names = [s.name.lower() for s in PodStatus]
        return pl.DataFrame(
            {
                "date": _dates(np.repeat(tape.day_d, pods)),
                "pod": _names(np.tile(np.arange(pods), len(tape.day_d)), self.rules.pod_ids()),
                "nav_micros": tape.nav_dp.ravel(),
                "unit_value": tape.unit_dp.ravel(),
                "nominal_micros": tape.nominal_dp.ravel(),
                "drawdown": (1.0 - tape.unit_dp / tape.peak_dp()).ravel(),
                "status": _names(tape.status_dp.ravel(), names),
                "cut": tape.keep_dp.ravel(),
            }
        )

    @cached_property
    def pod_parts(self) -> pl.DataFrame:
        """(date, pod, part, amount_micros): the attribution summed over symbols; zeros left out."""
        d, p, k = np.nonzero(self.tape.part_dpk)
        return pl.DataFrame(
            {
                "date": _dates(self.tape.day_d[d]),
                "pod": self._pods(p),
                "part": _names(k, [part.name.lower() for part in Part]),
                "amount_micros": self.tape.part_dpk[d, p, k],
            }
        )

    @cached_property
    def attribution(self) -> pl.DataFrame:
        """(date, pod, symbol, part, amount_micros): every dollar; pod "centre", symbol "" for cash.

        Raises:
            ValueError: the run was recorded "fast", which keeps parts by pod only (`pod_parts`).
        """
        if not self.tape.detail:
            raise ValueError('attribution by symbol needs record="full"; `pod_parts` has it by pod')
        rows = [payoff for _, payoff in self.tape.payoffs]
        days = np.repeat(
            np.array([day for day, _ in self.tape.payoffs], dtype=np.int64),
            np.array([len(r.pod_r) for r in rows], dtype=np.int64),
        )
        return pl.DataFrame(
            {
                "date": _dates(days),
                "pod": self._pods(_column(rows, "pod_r")),
                "symbol": self._symbols(_column(rows, "asset_r")),
                "part": _names(_column(rows, "part_r"), [part.name.lower() for part in Part]),
                "amount_micros": _column(rows, "amount_r"),
            }
        )

    @cached_property
    def fills(self) -> pl.DataFrame:
        """(date, pod, symbol, lots, price_micros, fee_micros, kind, order_id): what pods got."""
        rows = [fill for _, fill in self.tape.fills]
        sizes = np.array([len(r.pod_r) for r in rows], dtype=np.int64)
        days = np.repeat(np.array([day for day, _ in self.tape.fills], dtype=np.int64), sizes)
        return pl.DataFrame(
            {
                "date": _dates(days),
                "pod": self._pods(_column(rows, "pod_r")),
                "symbol": self._symbols(_column(rows, "asset_r")),
                "lots": _column(rows, "lots_r"),
                "price_micros": _column(rows, "price_r"),
                "fee_micros": _column(rows, "fee_r"),
                "kind": _names(_column(rows, "kind_r"), [k.name.lower() for k in FillKind]),
                "order_id": _order_ids(_column(rows, "order_r")),
            }
        )

    @cached_property
    def orders(self) -> pl.DataFrame:
        """(date, order_id, symbol, lots): netted orders by the day of their decision."""
        rows = [event.orders for _, event in self.tape.orders]
        sizes = np.array([len(r) for r in rows], dtype=np.int64)
        days = np.repeat(np.array([day for day, _ in self.tape.orders], dtype=np.int64), sizes)
        return pl.DataFrame(
            {
                "date": _dates(days),
                "order_id": _order_ids(_column(rows, "id_o")),
                "symbol": self._symbols(_column(rows, "asset_o")),
                "lots": _column(rows, "lots_o"),
            }
        )

    @cached_property
    def events(self) -> pl.DataFrame:
        """(seq, date, kind, pod, detail) of what the fund decided and met.

        Breaches, actions, allocations, splits, stale marks, halts. `seq` is the journal's number,
        -1 where no journal was kept.
        """
        told = self.tape.told
        return pl.DataFrame(
            {
                "seq": pl.Series([row[0] for row in told], dtype=pl.Int64),
                "date": _dates(np.array([row[1] for row in told], dtype=np.int64)),
                "kind": pl.Series([row[2] for row in told], dtype=pl.String),
                "pod": self._pods(np.array([row[3] for row in told], dtype=np.int64)),
                "detail": pl.Series([row[4] for row in told], dtype=pl.String),
            }
        )

    @cached_property
    def allocation(self) -> pl.DataFrame:
        """(date, pod, share, nominal_micros): what each allocation gave."""
        events = [event for _, event in self.tape.allocations]
        counts = [len(event.share_p) for event in events]  # pods may be listed later
        days = np.repeat(np.array([day for day, _ in self.tape.allocations], np.int64), counts)
        none = np.zeros(0, dtype=np.int64)
        return pl.DataFrame(
            {
                "date": _dates(days),
                "pod": self._pods(np.concatenate([np.arange(k) for k in counts] or [none])),
                "share": np.concatenate([e.share_p for e in events] or [np.zeros(0)]),
                "nominal_micros": np.concatenate([e.nominal_p for e in events] or [days]),
            }
        )

    @cached_property
    def marks(self) -> pl.DataFrame:
        """(date, symbol, mark_micros, reference_micros, dividend, split) of the names traded."""
        rows = [fill for _, fill in self.tape.fills]
        assets = np.unique(_column(rows, "asset_r"))
        days, at = self.tape.day_d, slice(self.start, self.stop)
        return pl.DataFrame(
            {
                "date": _dates(np.repeat(days, len(assets))),
                "symbol": self._symbols(np.tile(assets, len(days))),
                "mark_micros": self.market.mark_tn[at][:, assets].ravel(),
                "reference_micros": self.market.reference_tn[at][:, assets].ravel(),
                "dividend": self.panel.dividend[at][:, assets].ravel(),
                "split": self.panel.split[at][:, assets].ravel(),
            }
        )

    @cached_property
    def benchmark(self) -> pl.DataFrame:
        """(date, level) of the benchmark; level NaN where there is none."""
        level = self.panel.benchmark_t[self.start : self.stop]
        return pl.DataFrame({"date": _dates(self.tape.day_d), "level": level})

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Headline figures, costs, hashes and the residual of the attribution."""
        from podshop.research.summary import summarise

        return summarise(self)

    @cached_property
    def data_hash(self) -> str:
        """Fingerprint of the market data that was traded on."""
        return data_hash(self.market.until(self.stop - 1))

    def write(self, folder: Path) -> None:
        """Write every table as Parquet and the summary as JSON; files are replaced whole.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            if name == "attribution" and not self.tape.detail:
                continue
            part = folder / f".{name}.parquet.part"
            getattr(self, name).write_parquet(part)
            part.replace(folder / f"{name}.parquet")
        part = folder / ".summary.json.part"
        summary = dict(self.summary)
        if self.journal_hash is not None and (folder / JOURNAL).is_file():
            summary["journal_sha256"] = file_hash(folder / JOURNAL)
        part.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2) + b"\n")
        part.replace(folder / "summary.json")

    def _pods(self, numbers: I64) -> pl.Series:
        ids = (*self.rules.pod_ids(), "centre")
        return _names(np.where(numbers < 0, len(ids) - 1, numbers), ids)

    def _symbols(self, assets: I64) -> pl.Series:
        symbols = (*self.market.assets.symbols, "")
        return _names(np.where(assets < 0, len(symbols) - 1, assets), symbols)


def _dates(days: I64) -> pl.Series:
    return pl.Series(days.astype("datetime64[D]"), dtype=pl.Date)


def _names(numbers: Any, names: Any) -> pl.Series:
    """Text for each number, without making a Python object a row."""
    rows = pl.Series(np.asarray(numbers, dtype=np.uint32))
    return pl.Series(list(names), dtype=pl.String).gather(rows)


def _column(rows: list[Any], name: str) -> I64:
    return np.concatenate([getattr(r, name) for r in rows] or [np.zeros(0, dtype=np.int64)])


def _order_ids(ids: I64) -> pl.Series:
    unique, at = np.unique(ids, return_inverse=True)
    return _names(at, ["" if x == 0 else order_text(int(x)) for x in unique])
