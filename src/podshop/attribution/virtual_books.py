"""Virtual books: which positions of an optimised book belong to which alpha.

An optimiser turns the sum of K alphas into one book w*. Each alpha gets a virtual book a_k, and

    a_1 + ... + a_K + a_0 = w*,    a_0 = w(0), the book that no alpha asked for.

Books, not profits, are split, so that payoff, costs and royalties of an alpha follow from its book
as those of a pod do. The rule is Aumann's and Shapley's: along the ray from no alpha to all,

    a_k = integral over tau from 0 to 1 of J(tau * alpha) alpha_k,    J = dw/dalpha,

so alpha_k is paid at every point for what the book moved because of it. For a quadratic objective
w is piecewise linear in tau and the integral is a finite sum: `quadratic_books`. For any other
optimiser `virtual_books` integrates numerically, to a tolerance that is checked, not hoped for: on
each piece of the ray the K integrals must sum to the change of the book.

Sources: Aumann, Shapley (1974); Moehle, Boyd, Ang (2022); Markowitz (1956) and Best (1996) for the
path of a quadratic programme in a parameter.
"""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from podshop.attribution.credit import Credit, split
from podshop.domain.error import SolverError
from podshop.domain.money import F64, I64, read_only

Solve = Callable[[F64], F64]
"""(N,) combined alpha to the (N,) optimised book."""

Gradient = Callable[[F64, F64], F64]
"""(N,) combined alpha and (K, N) directions to (K, N): J times each direction."""

STEP = 1e-4
"""Step of a central difference, as a share of the alpha it goes along."""

WITHIN = 1e-7
"""Relative error that the conditions of an optimum may be off by."""

FLAT = 1e-12
"""Rates and multipliers below this share of the largest are rounding, not movement."""


@dataclass(frozen=True, slots=True)
class VirtualBooks:
    """An optimised book split among the alphas that led to it.

    Attributes:
        book_kn: (K, N) virtual books, in the unit of the optimised book.
        base_n: (N,) the book without any alpha.
        target_n: (N,) the optimised book; the sum of the others.
        residual_n: (N,) what integration left over before it was spread over the books in
            proportion to their size in that name.
        pieces: of the ray on which the integral was taken.
    """

    book_kn: F64
    base_n: F64
    target_n: F64
    residual_n: F64
    pieces: int

    def credit(self, payoff_n: F64) -> Credit:
        """The profit of the optimised book above the base book, split by virtual books.

        Args:
            payoff_n: (N,) profit of one unit of each name, such as its return.
        """
        total = float((self.target_n - self.base_n) @ payoff_n)
        return split(self.book_kn @ payoff_n, total)


@dataclass(frozen=True, slots=True)
class QuadraticRule:
    """The rule: maximise alpha'w - aversion / 2 * w' (E F E' + diag(d)) w, |w| <= bound, A w = 0.

    Attributes:
        aversion: of risk, above 0.
        specific_n: (N,) specific variance d, above 0.
        exposure_nf: (N, F) exposures E; F may be 0.
        factor_ff: (F, F) factor covariance, positive definite.
        bound_n: (N,) largest size of each position, above 0; inf where there is none.
        neutral_en: (E, N) rows A of what the book must not hold, such as ones for dollars; E may
            be 0.
    """

    aversion: float
    specific_n: F64
    exposure_nf: F64
    factor_ff: F64
    bound_n: F64
    neutral_en: F64

    def __post_init__(self) -> None:
        """Refuse what has no single answer."""
        if not (self.aversion > 0.0 and (self.specific_n > 0.0).all() and (self.bound_n > 0).all()):
            raise ValueError("aversion, specific variances and bounds must be above 0")
        n, shapes = len(self.specific_n), (self.exposure_nf.shape[0], self.neutral_en.shape[1])
        if shapes != (n, n) or len(self.bound_n) != n:
            raise ValueError(f"risk is of {n} names, exposures and neutral rows of {shapes}")

    def risk(self, book_n: F64) -> F64:
        """(N,) aversion times covariance times a book."""
        common = self.exposure_nf @ (self.factor_ff @ (self.exposure_nf.T @ book_n))
        return np.asarray(self.aversion * (common + self.specific_n * book_n))

    def respond(self, alpha_kn: F64, free_f: I64) -> tuple[F64, F64]:
        """How the free names answer alphas while all others stand still: J times each alpha.

        With D = aversion * d and G = aversion * F, by Woodbury's identity,
            y = inverse(E G E' + D) a = a/D - E/D inverse(inverse(G) + E'(E/D)) (E/D)' a,
        and what breaks A w = 0 is taken out along inverse(E G E' + D) A'.

        Args:
            alpha_kn: (K, N) alphas.
            free_f: indices of the names that are not at their bounds.

        Returns:
            (K, N) moves of the book, and (K, E) moves of the multipliers of the neutral rows.
        """
        move_kn = np.zeros_like(alpha_kn)
        row_ef = self.neutral_en[:, free_f]
        y_kf, spread_ef = self._undo(alpha_kn[:, free_f], free_f), self._undo(row_ef, free_f)
        if not len(row_ef):
            move_kn[:, free_f] = y_kf
            return move_kn, np.zeros((len(alpha_kn), 0))
        # Least squares, because rows may say the same when few names are free.
        multiplier_ek = np.linalg.lstsq(spread_ef @ row_ef.T, row_ef @ y_kf.T, rcond=None)[0]
        move_kn[:, free_f] = y_kf - multiplier_ek.T @ spread_ef
        return move_kn, np.asarray(multiplier_ek.T)

    def _undo(self, right_kf: F64, free_f: I64) -> F64:
        """(K, free) inverse of the free names' risk times each row."""
        inverse_f = 1.0 / (self.aversion * self.specific_n[free_f])
        scaled_kf = right_kf * inverse_f
        exposure_ff = self.exposure_nf[free_f]
        if not exposure_ff.shape[1]:
            return np.asarray(scaled_kf)
        weighted = exposure_ff * inverse_f[:, None]
        inner = np.linalg.inv(self.aversion * self.factor_ff) + exposure_ff.T @ weighted
        return np.asarray(
            scaled_kf - np.linalg.solve(inner, weighted.T @ right_kf.T).T @ weighted.T
        )


def quadratic_books(alpha_kn: F64, rule: QuadraticRule) -> VirtualBooks:
    """Virtual books under a quadratic rule, in closed form.

    The book starts empty and all names are free. 1. The free names' answer to the alphas is linear
    until a name reaches its bound or one that stands at its bound wants back. 2. Up to there every
    alpha's book moves by its own answer. 3. The name is taken out or let in, and so on to the end.

    Args:
        alpha_kn: (K, N) weighted alphas c_k alpha_k, whose sum the book is optimised for.
        rule: what is maximised under which limits.

    Returns:
        The books; target_n is the optimum itself, no other optimiser is asked, and base_n is 0.

    Raises:
        SolverError: the path does not end, or ends where the conditions of an optimum fail.
        ValueError: an alpha is not finite or of another number of names.
    """
    _refuse(alpha_kn, len(rule.specific_n))
    path = _Path(alpha_kn, rule)
    for _ in range(20 * alpha_kn.shape[1] + 20):
        if path.advance():
            break
    else:
        raise SolverError("the path of the book does not end; use virtual_books with a solver")
    path.check()
    base = np.zeros(alpha_kn.shape[1])
    return _books(path.book_kn, base, path.book_n, path.pieces)


class _Path:
    """The optimal book while the alphas grow from nothing to their size."""

    def __init__(self, alpha_kn: F64, rule: QuadraticRule) -> None:
        self.rule, self.alpha_kn, self.alpha_n = rule, alpha_kn, alpha_kn.sum(axis=0)
        names = alpha_kn.shape[1]
        # The measures of a slope and of a rate: the largest alpha, and how fast it would move names
        # without factors, rows and bounds. Of single alphas, because their sum may be rounding.
        self.scale = max(float(np.abs(alpha_kn).max(initial=0.0)), 1e-300)
        unit_kn = np.abs(alpha_kn) / (rule.aversion * rule.specific_n)
        self.speed = max(float(unit_kn.max(initial=0.0)), 1e-300)
        self.tau, self.pieces = 0.0, 0
        self.book_kn, self.book_n = np.zeros(alpha_kn.shape), np.zeros(names)
        self.side_n = np.zeros(names, dtype=np.int64)
        # What a name at its bound still wants to move outward, and the rows' multipliers.
        self.pull_n, self.multiplier_e = np.zeros(names), np.zeros(len(rule.neutral_en))

    def advance(self) -> bool:
        """Go to the next event; True at the end of the ray."""
        free = np.flatnonzero(self.side_n == 0)
        move_kn, multiplier_ke = self.rule.respond(self.alpha_kn, free)
        move_n, multiplier_e = move_kn.sum(axis=0), multiplier_ke.sum(axis=0)
        pull_n = self.alpha_n - self.rule.risk(move_n) - self.rule.neutral_en.T @ multiplier_e
        pull_n[free] = 0.0
        step, name = self._next_event(move_n, pull_n)
        self.tau += step
        self.book_kn += step * move_kn
        self.book_n += step * move_n
        self.pull_n += step * pull_n
        self.multiplier_e += step * multiplier_e
        self.pieces += 1
        if name < 0:
            return True
        if self.side_n[name]:
            self.side_n[name], self.pull_n[name] = 0, 0.0
        else:
            self.side_n[name] = int(np.sign(move_n[name]))
            self.book_n[name] = self.side_n[name] * self.rule.bound_n[name]
        return False

    def _next_event(self, move_n: F64, pull_n: F64) -> tuple[float, int]:
        """How far until a name meets its bound or leaves it, and which; -1 = the end."""
        out_n = np.full(len(move_n), math.inf)
        free_n = self.side_n == 0
        moving_n = free_n & (np.abs(move_n) > FLAT * self.speed)
        room_n = self.rule.bound_n - np.sign(move_n) * self.book_n
        out_n[moving_n] = np.maximum(room_n[moving_n], 0.0) / np.abs(move_n[moving_n])
        inward_n = -self.side_n * pull_n
        wanting_n = inward_n > FLAT * self.scale
        left_n = np.maximum(self.side_n * self.pull_n, 0.0)
        out_n[wanting_n] = left_n[wanting_n] / inward_n[wanting_n]
        name = int(np.argmin(out_n))
        rest = 1.0 - self.tau
        return (rest, -1) if out_n[name] >= rest else (float(out_n[name]), name)

    def check(self) -> None:
        """Refuse an end that is no optimum (Karush, Kuhn, Tucker)."""
        rule, w = self.rule, self.book_n
        slope_n = self.alpha_n - rule.risk(w) - rule.neutral_en.T @ self.multiplier_e
        wrong = float(np.abs(slope_n[self.side_n == 0]).max(initial=0.0))
        wrong = max(wrong, float((-self.side_n * slope_n).max(initial=0.0))) / self.scale
        over = float((np.abs(w) / rule.bound_n).max(initial=0.0)) - 1.0
        size = max(float(np.abs(self.book_kn).max(initial=0.0)), 1e-300) * len(w)
        row_e = np.abs(rule.neutral_en).max(axis=1, initial=1e-300)
        broken = float((np.abs(rule.neutral_en @ w) / row_e).max(initial=0.0)) / size
        if wrong > WITHIN or over > WITHIN or broken > WITHIN:
            raise SolverError(
                f"the path ended {wrong:.1e} off the slope of an optimum, {over:.1e} over a bound, "
                f"{broken:.1e} off neutral; use virtual_books with a solver"
            )


def virtual_books(
    solve: Solve,
    alpha_kn: F64,
    gradient: Gradient | None = None,
    tolerance: float = 1e-3,
    most_solves: int = 20_000,
) -> VirtualBooks:
    """Virtual books of any optimiser, by integrating its gradient along the ray.

    Each piece of the ray is integrated by its midpoint, which is exact where the book is linear,
    and the K integrals must sum to the change of the book there. The piece that is furthest off,
    because a bound is met inside, is halved, until all gaps together are within the tolerance.

    Args:
        solve: the optimiser, accurate to well below the tolerance; it must answer every alpha on
            the ray by one book.
        alpha_kn: (K, N) weighted alphas c_k alpha_k, whose sum the book is optimised for.
        gradient: J times directions; central differences of `solve` when None.
        tolerance: of the sum of the gaps in every name before they are spread, as a share of the
            largest position in any book, virtual ones too.
        most_solves: calls of the optimiser, and of the gradient, before it gives up.

    Returns:
        The books.

    Raises:
        SolverError: the tolerance is not reached with `most_solves`.
        ValueError: an alpha is not finite.
    """
    _refuse(alpha_kn, alpha_kn.shape[1])
    ray = _Ray(solve, gradient or _Differences(solve), alpha_kn, most_solves)
    base_n, target_n = ray.book(0.0), ray.book(1.0)
    whole = ray.piece(0.0, 1.0, base_n, target_n)
    largest = max(float(np.abs(x).max(initial=0.0)) for x in (base_n, target_n, whole.book_kn))
    worst, off_n = [whole], np.abs(whole.gap_n)
    while (off_n > tolerance * largest).any():
        piece = heapq.heappop(worst)
        off_n = off_n - np.abs(piece.gap_n)
        for half in ray.halves(piece):
            heapq.heappush(worst, half)
            off_n = off_n + np.abs(half.gap_n)
    book_kn = np.zeros(alpha_kn.shape)
    for piece in sorted(worst, key=lambda piece: piece.start):
        book_kn += piece.book_kn
    return _books(book_kn, base_n, target_n, len(worst))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of the ray: its ends and the book there, its integral and how far that is off."""

    start: float
    end: float
    first_n: F64
    last_n: F64
    book_kn: F64
    gap_n: F64

    def __lt__(self, other: "_Piece") -> bool:
        """The piece with the largest gap comes first; of equal ones the earlier."""
        return self._rank() < other._rank()

    def _rank(self) -> tuple[float, float]:
        return -float(np.abs(self.gap_n).max(initial=0.0)), self.start


@dataclass(slots=True)
class _Ray:
    """An optimiser along the ray, which counts what it is asked."""

    solve: Solve
    gradient: Gradient
    alpha_kn: F64
    left: int

    def book(self, tau: float) -> F64:
        """(N,) the book at tau."""
        self._count(1)
        return np.asarray(self.solve(tau * self.alpha_kn.sum(axis=0)), dtype=np.float64)

    def piece(self, start: float, end: float, first_n: F64, last_n: F64) -> _Piece:
        """A piece between two ends where the book is known."""
        self._count(2 * len(self.alpha_kn) if isinstance(self.gradient, _Differences) else 1)
        middle_n = 0.5 * (start + end) * self.alpha_kn.sum(axis=0)
        book_kn = (end - start) * self.gradient(middle_n, self.alpha_kn)
        return _Piece(start, end, first_n, last_n, book_kn, last_n - first_n - book_kn.sum(axis=0))

    def halves(self, whole: _Piece) -> tuple[_Piece, _Piece]:
        """The two halves of a piece."""
        middle = 0.5 * (whole.start + whole.end)
        middle_n = self.book(middle)
        return (
            self.piece(whole.start, middle, whole.first_n, middle_n),
            self.piece(middle, whole.end, middle_n, whole.last_n),
        )

    def _count(self, asked: int) -> None:
        self.left -= asked
        if self.left < 0:
            raise SolverError(
                "the books do not sum to the optimised book within the tolerance yet: raise "
                "most_solves or the tolerance, or give a gradient or a more accurate solver"
            )


@dataclass(frozen=True, slots=True)
class _Differences:
    """A gradient from an optimiser alone."""

    solve: Solve

    def __call__(self, alpha_n: F64, alpha_kn: F64) -> F64:
        """(K, N) central differences along each alpha; exactly 0 along an alpha of zeros."""
        rows = [
            (self.solve(alpha_n + STEP * along_n) - self.solve(alpha_n - STEP * along_n))
            / (2.0 * STEP)
            if along_n.any()
            else np.zeros(len(along_n))
            for along_n in alpha_kn
        ]
        return np.array(rows).reshape(alpha_kn.shape)


def _refuse(alpha_kn: F64, names: int) -> None:
    """Refuse alphas that no book can follow."""
    if alpha_kn.ndim != 2 or alpha_kn.shape[1] != names or not np.isfinite(alpha_kn).all():
        raise ValueError(
            f"alphas must be finite and of shape (K, {names}), not {alpha_kn.shape}; give 0 to a "
            "name without a signal"
        )


def _books(raw_kn: F64, base_n: F64, target_n: F64, pieces: int) -> VirtualBooks:
    """Spread the residual of each name over its books; where there are none it is the base's."""
    residual_n = target_n - base_n - raw_kn.sum(axis=0)
    size_n = np.abs(raw_kn).sum(axis=0)
    held_n = size_n > 0.0
    share_kn = np.zeros(raw_kn.shape)
    share_kn[:, held_n] = np.abs(raw_kn[:, held_n]) / size_n[held_n]
    book_kn = raw_kn + share_kn * residual_n
    base_n = np.where(held_n, base_n, target_n)
    for array in (book_kn, base_n, target_n, residual_n):
        read_only(array)
    return VirtualBooks(book_kn, base_n, target_n, residual_n, pieces)
