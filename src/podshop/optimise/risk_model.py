"""The covariance of names as a factor model: B F B' + diag(d), which is never multiplied out.

With K factors, everything below costs N * K operations, not N * N. Variances are those of a year,
so that solvers see numbers near 1 and not 1e-4.
"""

import math
from dataclasses import dataclass

import numpy as np

from podshop.domain.money import F64


@dataclass(frozen=True, slots=True)
class RiskModel:
    """Sigma = B F B' + diag(d).

    Attributes:
        exposure_nk: (N, K) B, exposures of names to factors.
        factor_kk: (K, K) F, covariance of factor returns, a year.
        specific_n: (N,) d, variance of what factors do not explain, a year, >= 0.
    """

    exposure_nk: F64
    factor_kk: F64
    specific_n: F64

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit and numbers that are no covariance."""
        for what in ("exposure_nk", "factor_kk", "specific_n"):
            object.__setattr__(self, what, np.asarray(getattr(self, what), dtype=np.float64))
        if self.exposure_nk.ndim != 2 or self.exposure_nk.shape[0] == 0:
            raise ValueError(f"exposures must be (N, K) with N > 0, not {self.exposure_nk.shape}")
        names, factors = self.exposure_nk.shape
        if self.factor_kk.shape != (factors, factors):
            raise ValueError(
                f"{factors} factors need a ({factors}, {factors}) covariance, "
                f"not {self.factor_kk.shape}"
            )
        if self.specific_n.shape != (names,):
            raise ValueError(
                f"{names} names need as many specific variances, not {self.specific_n.shape}"
            )
        for what in ("exposure_nk", "factor_kk", "specific_n"):
            if not np.isfinite(getattr(self, what)).all():
                raise ValueError(f"{what} of the risk model holds NaN or infinity")
        if (self.specific_n < 0.0).any():
            raise ValueError("a specific variance is negative")
        size = float(np.abs(self.factor_kk).max(initial=0.0))
        if not np.allclose(self.factor_kk, self.factor_kk.T, rtol=0.0, atol=1e-9 * size):
            raise ValueError("the covariance of factors is not symmetric")
        if factors and float(np.linalg.eigvalsh(self.factor_kk).min()) < -1e-9 * size:
            raise ValueError("the covariance of factors has a negative variance in it")

    @classmethod
    def of_covariance(cls, covariance_nn: F64) -> "RiskModel":
        """The model of a full covariance, for pods or for a handful of names.

        Args:
            covariance_nn: (N, N) covariance, a year.

        Returns:
            Eigenvectors as exposures, eigenvalues as variances of factors, nothing specific.
        """
        if covariance_nn.ndim != 2 or covariance_nn.shape[0] != covariance_nn.shape[1]:
            raise ValueError(f"a covariance is square, not {covariance_nn.shape}")
        if not np.isfinite(covariance_nn).all():
            raise ValueError("the covariance holds NaN or infinity")
        value_k, vector_nk = np.linalg.eigh(0.5 * (covariance_nn + covariance_nn.T))
        if value_k[0] < -1e-9 * max(float(value_k[-1]), 0.0):
            raise ValueError("the covariance has a negative variance in it")
        return cls(vector_nk, np.diag(np.maximum(value_k, 0.0)), np.zeros(len(value_k)))

    @property
    def root_kk(self) -> F64:
        """(K, K) R with F = R R'. By eigenvalues, so that a factor may be a mix of others."""
        value_k, vector_kk = np.linalg.eigh(self.factor_kk)
        root_kk: F64 = vector_kk * np.sqrt(np.maximum(value_k, 0.0))
        return root_kk

    @property
    def variance_n(self) -> F64:
        """(N,) variances of the names, the diagonal of Sigma."""
        loaded_nk = self.exposure_nk @ self.root_kk
        variance_n: F64 = np.einsum("nk,nk->n", loaded_nk, loaded_nk) + self.specific_n
        return variance_n

    def times(self, weight_n: F64) -> F64:
        """(N,) Sigma w."""
        through_k = self.factor_kk @ (self.exposure_nk.T @ weight_n)
        product_n: F64 = self.exposure_nk @ through_k + self.specific_n * weight_n
        return product_n

    def variance(self, weight_n: F64) -> float:
        """Variance of a portfolio, w'Sigma w."""
        return max(float(weight_n @ self.times(weight_n)), 0.0)

    def volatility(self, weight_n: F64) -> float:
        """Volatility of a portfolio, a year."""
        return math.sqrt(self.variance(weight_n))

    def solved(self, right_n: F64, more_n: F64 | float = 0.0) -> F64:
        """(Sigma + diag(more))^-1 r by Woodbury's identity, N * K^2 operations.

        Args:
            right_n: (N,) r.
            more_n: (N,) what is added to the specific variances.

        Raises:
            ValueError: a name has no variance of its own: the identity divides by it.
        """
        own_n = self.specific_n + more_n
        if not (own_n > 0.0).all():
            return self._solved_in_full(right_n, own_n)
        loaded_nk = self.exposure_nk @ self.root_kk
        scaled_nk = loaded_nk / own_n[:, None]
        inner_kk = np.eye(loaded_nk.shape[1]) + loaded_nk.T @ scaled_nk
        direct_n = right_n / own_n
        through_k = np.linalg.solve(inner_kk, loaded_nk.T @ direct_n)
        answer_n: F64 = direct_n - scaled_nk @ through_k
        return answer_n

    def _solved_in_full(self, right_n: F64, own_n: F64) -> F64:
        """The same on the covariance itself, for as few names as factors: pods."""
        names, factors = self.exposure_nk.shape
        if names > factors:
            raise ValueError("a name without specific variance: its risk cannot be inverted")
        full_nn = self.exposure_nk @ self.factor_kk @ self.exposure_nk.T + np.diag(own_n)
        try:
            answer_n: F64 = np.linalg.solve(full_nn, right_n).astype(np.float64)
        except np.linalg.LinAlgError as singular:
            raise ValueError(
                "some names cancel exactly: their risk cannot be inverted"
            ) from singular
        return answer_n
