"""The paper broker: the simulated account on disk, as durable and as forgetful as a real one.

It lives in its own SQLite file beside the journal, because it stands for the outside: killing the
fund does not change it. Orders are kept by id, so sending them again is harmless; a session is
worked once and reported the same whenever it is asked for.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from podshop.adapters.brokers.sim import moves_between
from podshop.domain.error import BrokerError
from podshop.domain.market import Market
from podshop.domain.order import Facts, Orders
from podshop.domain.rules import Costs, Flow
from podshop.trading.fill import Account, open_account, trade_day

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, asset INTEGER NOT NULL, lots INTEGER NOT NULL, worked TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS session (
    day TEXT PRIMARY KEY, cash INTEGER NOT NULL, lots BLOB NOT NULL, mark BLOB NOT NULL
) STRICT;
"""


class PaperBroker:
    """A simulated brokerage account in a file."""

    def __init__(
        self,
        path: Path,
        capital: int,
        assets: int,
        costs: Costs,
        flows: tuple[Flow, ...],
        opened: np.datetime64,
    ) -> None:
        """Open the account, or create it with the capital paid in the day before `opened`.

        Raises:
            BrokerError: the file cannot be opened, or holds another universe.
        """
        self._costs, self._flows = costs, flows
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise BrokerError(f"cannot open the paper account {path}: {error}") from error
        if self._db.execute("SELECT count(*) FROM session").fetchone()[0] == 0:
            self._keep(str(opened), open_account(capital, assets))
        elif len(self._account("9999")[1].lots_n) != assets:
            raise BrokerError(
                f"the paper account {path} was opened for another universe; use a new folder"
            )

    def submit(self, orders: Orders) -> None:
        """Take orders for the next open; ids already known are ignored."""
        rows = zip(
            orders.id_o.tolist(), orders.asset_o.tolist(), orders.lots_o.tolist(), strict=True
        )
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, NULL)", rows)

    def facts(self, market: Market) -> Facts:
        """Work the session in the last row of `market`, once, and report it.

        Raises:
            BrokerError: a later session was already worked, or the file fails.
        """
        day = str(market.days[-1])
        with self._transaction() as db:
            last = db.execute("SELECT max(day) FROM session").fetchone()[0]
            known = db.execute("SELECT 1 FROM session WHERE day = ?", (day,)).fetchone()
            if not known and day < last:
                raise BrokerError(
                    f"the paper account has already worked {last}; it cannot go back to {day}"
                )
            if not known:
                db.execute("UPDATE orders SET worked = ? WHERE worked IS NULL", (day,))
            before, account = self._account(day)
            moves = moves_between(self._flows, np.datetime64(before), market.days[-1])
            orders = self._orders(day)
            after, facts = trade_day(account, orders, market, self._costs, moves, day)
            if not known:
                self._keep(day, after)
        return facts

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; whatever happens, nothing stays half-written or open."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise BrokerError(f"the paper account fails: {error}") from error
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def _orders(self, day: str) -> Orders:
        rows = self._db.execute(
            "SELECT id, asset, lots FROM orders WHERE worked = ? ORDER BY asset, id", (day,)
        ).fetchall()
        table = np.array(rows, dtype=np.int64).reshape(-1, 3)
        return Orders(*(np.ascontiguousarray(table[:, j]) for j in range(3)))

    def _account(self, day: str) -> tuple[str, Account]:
        """The account before a day, and the session it dates from."""
        before, cash, lots, mark = self._db.execute(
            "SELECT day, cash, lots, mark FROM session WHERE day < ? ORDER BY day DESC LIMIT 1",
            (day,),
        ).fetchone()
        lots_n, mark_n = (np.frombuffer(x, dtype=np.int64) for x in (lots, mark))
        return before, Account(cash, lots_n, mark_n)

    def _keep(self, day: str, account: Account) -> None:
        self._db.execute(
            "INSERT INTO session VALUES (?, ?, ?, ?)",
            (day, account.cash, account.lots_n.tobytes(), account.mark_n.tobytes()),
        )
