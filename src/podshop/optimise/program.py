"""A problem's limits as the matrices that solvers read, in factor form.

The unknowns are x = (w, y, p, q, b, s):

1. w, the N weights, and y = B'w, the K exposures: the variance is y'Fy + w'diag(d)w, and no matrix
   has more than N * K entries.
2. w = p - q with p, q >= 0 for names that may be held either way, where gross is limited.
3. w = current + b - s with b, s >= 0, what is bought and sold, where turnover or cost count.

`homogenised` turns limits on w into limits on v = kappa * w (Charnes and Cooper 1962), which makes
a ratio such as Sharpe's a quadratic program.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from podshop.domain.money import F64
from podshop.optimise.problem import Problem

Label = tuple[str, int]
"""Which limit a row states: its name and the index of the sector or factor."""


@dataclass(frozen=True, slots=True)
class Cone:
    """offset + matrix x lies in `count` cones of one kind.

    Attributes:
        kind: "second_order" (one cone of all rows), "exponential" or "power" (three rows each).
        matrix: sparse (R, X).
        offset: (R,).
        exponent: of the power cone.
    """

    kind: str
    matrix: Any
    offset: F64
    exponent: float = 0.5


@dataclass(frozen=True, slots=True)
class Program:
    """min x'Px / 2 + c'x subject to Ax = a, low <= Gx <= high, bounds on x, and cones.

    Attributes:
        names, factors: N, and the K of y (0 where neither objective nor limits need it).
        trades: where b and s begin, None where trades do not count.
        square, linear: sparse P (X, X) and c (X,).
        equal, equal_to: sparse A and a.
        rows, row_low, row_high: sparse G and its limits.
        labels: which limit each row of G states.
        low, high: (X,) bounds of x.
        cones: beyond the linear.
    """

    names: int
    factors: int
    trades: int | None
    square: Any
    linear: F64
    equal: Any
    equal_to: F64
    rows: Any
    row_low: F64
    row_high: F64
    labels: tuple[Label, ...]
    low: F64
    high: F64
    cones: tuple[Cone, ...] = ()


def program_of(problem: Problem, *, risk: bool = True, costs: bool = True) -> Program:
    """State the limits of a problem; the objective is still nothing.

    Args:
        problem: what is asked.
        risk: the objective will need y.
        costs: the objective will need what is bought and sold, where trading costs.

    Returns:
        The program, with a cone where volatility is limited.
    """
    from scipy import sparse

    names, every = problem.names, problem.risk.exposure_nk.shape[1]
    capped = problem.volatility_max is not None
    factors = every if risk or capped or problem.factor_low_k is not None else 0
    either_way = np.flatnonzero((problem.low_n < 0.0) & (problem.high_n > 0.0))
    split = len(either_way) if problem.gross is not None else 0
    costly = costs and (problem.cost_n is not None or problem.impact_n is not None)
    trading = problem.turnover is not None or costly
    start = names + factors
    trades = start + 2 * split if trading else None
    size = start + 2 * split + (2 * names if trading else 0)
    here = _Equations(size)
    if factors:
        here.equal(
            [(0, sparse.csc_array(problem.risk.exposure_nk.T)), (names, -sparse.eye_array(factors))]
        )
    if split:
        one, at = sparse.eye_array(split), np.arange(split)
        pick = sparse.csc_array((np.ones(split), (at, either_way)), shape=(split, names))
        here.equal([(0, pick), (start, -one), (start + split, one)])
    if trades is not None:
        one = sparse.eye_array(names)
        here.equal([(0, one), (trades, -one), (trades + names, one)], problem.held_n)
    low, high = np.zeros(size), np.full(size, np.inf)
    low[:names], high[:names] = problem.low_n, problem.high_n
    low[names:start] = -np.inf
    _limits(problem, here, start, split, trades)
    return here.program(names, factors, trades, low, high, _volatility_cone(problem, size))


class _Equations:
    """Collects blocks of A and G, column offset by column offset."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.equals: list[Any] = []
        self.equal_to: list[F64] = []
        self.rows: list[Any] = []
        self.low: list[F64] = []
        self.high: list[F64] = []
        self.labels: list[Label] = []

    def equal(self, blocks: list[tuple[int, Any]], right: F64 | None = None) -> None:
        """Add equations whose blocks begin at these columns."""
        matrix = _placed(blocks, self.size)
        self.equals.append(matrix)
        self.equal_to.append(np.zeros(matrix.shape[0]) if right is None else right)

    def limit(self, name: str, blocks: list[tuple[int, Any]], low: Any, high: Any) -> None:
        """Add rows with limits; rows that are free on both sides say nothing and are left out."""
        matrix = _placed(blocks, self.size)
        low_r, high_r = np.atleast_1d(low).astype(float), np.atleast_1d(high).astype(float)
        bound = np.flatnonzero(np.isfinite(low_r) | np.isfinite(high_r))
        self.rows.append(matrix[bound])
        self.low.append(low_r[bound])
        self.high.append(high_r[bound])
        self.labels += [(name, int(r)) for r in bound]

    def program(
        self,
        names: int,
        factors: int,
        trades: int | None,
        low: F64,
        high: F64,
        cones: tuple[Cone, ...],
    ) -> Program:
        """All of it as one program without an objective."""
        from scipy import sparse

        nothing = sparse.csc_array((0, self.size))
        return Program(
            names=names,
            factors=factors,
            trades=trades,
            square=sparse.csc_array((self.size, self.size)),
            linear=np.zeros(self.size),
            equal=sparse.vstack([nothing, *self.equals], format="csc"),
            equal_to=np.concatenate([np.zeros(0), *self.equal_to]),
            rows=sparse.vstack([nothing, *self.rows], format="csc"),
            row_low=np.concatenate([np.zeros(0), *self.low]),
            row_high=np.concatenate([np.zeros(0), *self.high]),
            labels=tuple(self.labels),
            low=low,
            high=high,
            cones=cones,
        )


def _placed(blocks: list[tuple[int, Any]], size: int) -> Any:
    """Blocks side by side in rows of `size` columns, each at its column."""
    from scipy import sparse

    parts = [block.tocoo() for _, block in blocks]
    value = np.concatenate([part.data for part in parts])
    row = np.concatenate([part.coords[0] for part in parts])
    pairs = zip(parts, blocks, strict=True)
    column = np.concatenate([part.coords[1] + at for part, (at, _) in pairs])
    return sparse.csc_array((value, (row, column)), shape=(parts[0].shape[0], size))


def _limits(problem: Problem, here: _Equations, start: int, split: int, trades: int | None) -> None:
    """Add the rows of net, gross, beta, sectors, factors and turnover."""
    from scipy import sparse

    names = problem.names
    ones = sparse.csc_array(np.ones((1, names)))
    net_low, net_high = problem.net
    if net_low == net_high:
        here.equal([(0, ones)], np.array([net_low]))
    else:
        here.limit("net", [(0, ones)], net_low, net_high)
    if problem.gross is not None:
        sign_n = np.where(problem.low_n >= 0.0, 1.0, -1.0)
        if split:
            sign_n[(problem.low_n < 0.0) & (problem.high_n > 0.0)] = 0.0
        both = sparse.csc_array(np.ones((1, 2 * split)))
        here.limit(
            "gross", [(0, sparse.csc_array(sign_n[None, :])), (start, both)], -np.inf, problem.gross
        )
    if problem.beta_n is not None:
        here.limit("beta", [(0, sparse.csc_array(problem.beta_n[None, :]))], *problem.beta)
    if problem.sector_n is not None and problem.sector_low_s is not None:
        shape = (len(problem.sector_low_s), names)
        member = sparse.csc_array(
            (np.ones(names), (problem.sector_n, np.arange(names))), shape=shape
        )
        here.limit("sector", [(0, member)], problem.sector_low_s, problem.sector_high_s)
    if problem.factor_low_k is not None:
        one = sparse.eye_array(len(problem.factor_low_k))
        here.limit("factor", [(names, one)], problem.factor_low_k, problem.factor_high_k)
    if problem.turnover is not None and trades is not None:
        both = sparse.csc_array(np.ones((1, 2 * names)))
        here.limit("turnover", [(trades, both)], -np.inf, problem.turnover)


def _volatility_cone(problem: Problem, size: int) -> tuple[Cone, ...]:
    """|(R'y, sqrt(d) w)| <= volatility_max, where that is asked."""
    from scipy import sparse

    if problem.volatility_max is None:
        return ()
    names, risk = problem.names, problem.risk
    root = sparse.csc_array(risk.root_kk.T)
    first = sparse.csc_array((1, size))
    through = _placed([(names, root)], size)
    own = _placed([(0, sparse.diags_array(np.sqrt(risk.specific_n)))], size)
    matrix = sparse.vstack([first, through, own], format="csc")
    offset = np.zeros(matrix.shape[0])
    offset[0] = problem.volatility_max
    return (Cone("second_order", matrix, offset),)


def priced(
    program: Program,
    problem: Problem,
    *,
    aversion: float,
    linear_n: F64 | None = None,
    more_n: F64 | float = 0.0,
    costs: bool = True,
) -> Program:
    """Give a program the objective aversion * w'Sigma w / 2 + linear'w + costs of trading a year.

    Args:
        program: from `program_of`.
        problem: its problem.
        aversion: to variance.
        linear_n: (N,) linear terms, e.g. forecasts with a minus.
        more_n: (N,) what is added to the diagonal, e.g. the curvature of a barrier.
        costs: the costs of trading belong to the objective.
    """
    from scipy import sparse

    names, factors = program.names, program.factors
    linear = program.linear.copy()
    if linear_n is not None:
        linear[:names] = linear_n
    own = np.zeros(len(linear))
    own[:names] = aversion * problem.risk.specific_n + more_n
    if costs and program.trades is not None:
        for at in (program.trades, program.trades + names):
            if problem.cost_n is not None:
                linear[at : at + names] = problem.cost_n / problem.horizon_years
            if problem.impact_n is not None:
                own[at : at + names] = 2.0 * problem.impact_n / problem.horizon_years
    square = sparse.diags_array(own, format="csc")
    if factors and aversion:
        through = sparse.coo_array(aversion * problem.risk.factor_kk)
        row, column = through.coords
        entries = (through.data, (row + names, column + names))
        square = square + sparse.csc_array(entries, shape=square.shape)
    return replace(program, square=square.tocsc(), linear=linear)


def homogenised(program: Program) -> Program:
    """The program for (kappa * x, kappa): limits become multiples of kappa >= 0, its last unknown.

    Bounds at zero stay bounds, others become rows. The objective is left as it is.
    """
    from scipy import sparse

    size = len(program.linear)
    one = sparse.eye_array(size, format="csr")
    up = np.flatnonzero(np.isfinite(program.high) & (program.high != 0.0))
    down = np.flatnonzero(np.isfinite(program.low) & (program.low != 0.0))
    rows = program.rows.tocsr()
    below = np.flatnonzero(np.isfinite(program.row_high))
    above = np.flatnonzero(np.isfinite(program.row_low))
    body = sparse.vstack([rows[below], one[up], -rows[above], -one[down]])
    right = np.concatenate(
        [
            program.row_high[below],
            program.high[up],
            -program.row_low[above],
            -program.low[down],
        ]
    )
    labels = [program.labels[r] for r in below] + [("bound", int(n)) for n in up]
    labels += [program.labels[r] for r in above] + [("bound", int(n)) for n in down]
    return replace(
        program,
        square=sparse.block_diag([program.square, sparse.csc_array((1, 1))], format="csc"),
        linear=np.append(program.linear, 0.0),
        equal=_beside(program.equal, -program.equal_to),
        equal_to=np.zeros(len(program.equal_to)),
        rows=_beside(body, -right),
        row_low=np.full(len(right), -np.inf),
        row_high=np.zeros(len(right)),
        labels=tuple(labels),
        low=np.append(np.where(program.low == 0.0, 0.0, -np.inf), 0.0),
        high=np.append(np.where(program.high == 0.0, 0.0, np.inf), np.inf),
        cones=tuple(
            replace(
                cone, matrix=_beside(cone.matrix, cone.offset), offset=np.zeros_like(cone.offset)
            )
            for cone in program.cones
        ),
    )


def _beside(matrix: Any, column: F64) -> Any:
    """A matrix with one more column."""
    from scipy import sparse

    return sparse.hstack([matrix, sparse.csc_array(column[:, None])], format="csc")


def also_equal(program: Program, row: F64, right: float) -> Program:
    """One equation more.

    Args:
        program: to add to.
        row: (X,) its left side.
        right: its right side.
    """
    from scipy import sparse

    return replace(
        program,
        equal=sparse.vstack([program.equal, sparse.csc_array(row[None, :])], format="csc"),
        equal_to=np.append(program.equal_to, right),
    )


def elastic(program: Program, price_of: dict[str, float]) -> Program:
    """The least widening of some limits under which the rest can hold: L1 slack, priced by limit.

    Args:
        program: whose objective is dropped.
        price_of: the limits that may give, and what a unit of each costs.

    Returns:
        A program with two unknowns more, widening up and down, for each row that may give, in the
        order of the rows; the last 2R unknowns.
    """
    from scipy import sparse

    giving = [r for r, (name, _) in enumerate(program.labels) if name in price_of]
    price = np.array([price_of[program.labels[r][0]] for r in giving])
    count, size = len(giving), len(program.linear)
    at = (np.ones(count), (giving, np.arange(count)))
    slack = sparse.csc_array(at, shape=(program.rows.shape[0], count))
    more = sparse.csc_array((program.equal.shape[0], 2 * count))
    whole = size + 2 * count
    return replace(
        program,
        square=sparse.csc_array((whole, whole)),
        linear=np.concatenate([np.zeros(size), price, price]),
        equal=sparse.hstack([program.equal, more], format="csc"),
        rows=sparse.hstack([program.rows, -slack, slack], format="csc"),
        low=np.append(program.low, np.zeros(2 * count)),
        high=np.append(program.high, np.full(2 * count, np.inf)),
        cones=tuple(
            replace(
                cone,
                matrix=sparse.hstack(
                    [cone.matrix, sparse.csc_array((cone.matrix.shape[0], 2 * count))], format="csc"
                ),
            )
            for cone in program.cones
        ),
    )
