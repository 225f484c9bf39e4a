"""What goes to the broker and what comes back: orders, fills, facts, the statement.

Everything is columns: one value an order, a fill, an asset.
"""

from dataclasses import dataclass

import numpy as np

from podshop.domain.money import I64

NO_ROWS = np.zeros(0, dtype=np.int64)
NO_ROWS.flags.writeable = False


@dataclass(frozen=True, slots=True)
class Orders:
    """The fund's netted orders of one cycle, to be filled at the next open; unfilled rest expires.

    Attributes:
        id_o: (O,) 64-bit ids, made before sending; the same inputs give the same ids.
        asset_o: (O,) ascending.
        lots_o: (O,) signed: positive buys.
    """

    id_o: I64
    asset_o: I64
    lots_o: I64

    def __len__(self) -> int:
        return len(self.asset_o)


NO_ORDERS = Orders(NO_ROWS, NO_ROWS, NO_ROWS)


@dataclass(frozen=True, slots=True)
class Fills:
    """What the broker says was executed.

    Attributes:
        order_f: (F,) order id of each fill.
        asset_f: (F,) ascending.
        lots_f: (F,) signed lots.
        price_f: (F,) micros per lot.
        fee_f: (F,) micros charged, >= 0.
    """

    order_f: I64
    asset_f: I64
    lots_f: I64
    price_f: I64
    fee_f: I64

    def __len__(self) -> int:
        return len(self.asset_f)


NO_FILLS = Fills(NO_ROWS, NO_ROWS, NO_ROWS, NO_ROWS, NO_ROWS)


@dataclass(frozen=True, slots=True)
class Statement:
    """What the broker says the account holds after the session.

    Attributes:
        cash: micros.
        lots_n: (N,) lots of each asset.
    """

    cash: int
    lots_n: I64


@dataclass(frozen=True, slots=True)
class CashMove:
    """Money that entered or left the account, or was charged by the broker.

    Attributes:
        kind: "deposit", "withdrawal", "tax" (flows: never profit or loss); "fee" (a cost of the
            centre) or "management" (a cost that the pods bear by their NAV).
        amount: micros, signed from the account's point of view.
    """

    kind: str
    amount: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the outside reports of one session.

    Attributes:
        fills: executions of the session.
        dividend_n: (N,) micros received (+) or paid (-) per asset, on the lots held overnight.
        borrow_n: (N,) micros charged for borrowed lots, >= 0.
        interest: micros on the cash held overnight (negative when charged).
        moves: cash moves of the session.
        statement: the account after the session.
        cursor: where the broker's event stream stands.
    """

    fills: Fills
    dividend_n: I64
    borrow_n: I64
    interest: int
    moves: tuple[CashMove, ...]
    statement: Statement
    cursor: str


def order_text(order_id: int) -> str:
    """Write an order id as it is sent to a broker: `ps` and 16 hex digits."""
    return f"ps{order_id & 0xFFFFFFFFFFFFFFFF:016x}"
