"""The natural logarithm, the same bit for bit wherever in an array a number stands.

numpy's and numba's own may take another path, and give another last bit, for the numbers at the end
of an array than for those in its middle; then a pod would not say the same of a shortened history.
Here only exact steps and the four basic operations are used, which are rounded one by one.
"""

import numpy as np

from podshop.domain.money import F64

LN2_HIGH, LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
"""ln 2 in two parts, the first so short that whole multiples of it are exact (fdlibm, e_log.c)."""
TERMS = 13
"""Of the series; the first one left out is below 1e-19 of the value."""


def log(x: F64) -> F64:
    """Natural logarithm.

    x = m 2^e with m in [1/sqrt(2), sqrt(2)), so ln x = e ln 2 + 2 artanh(s), s = (m - 1) / (m + 1),
    and artanh(s) = s (1 + s^2 / 3 + s^4 / 5 + ...) with s^2 below 0.0295 (Abramowitz, Stegun 1964,
    4.1.27). Within 2 units of the last place of what numpy gives.

    Args:
        x: any shape.

    Returns:
        Likewise; NaN where x is not above 0, infinite where x is.
    """
    known = np.isfinite(x) & (x > 0.0)
    mantissa, exponent = np.frexp(np.where(known, x, 1.0))
    small = mantissa < np.sqrt(0.5)
    m, e = np.where(small, 2.0 * mantissa, mantissa), exponent - small
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    series = np.full(s.shape, 1.0 / (2 * TERMS - 1))
    for k in range(TERMS - 2, -1, -1):
        series = series * square + 1.0 / (2 * k + 1)
    value = e * LN2_HIGH + (2.0 * s * series + e * LN2_LOW)
    out: F64 = np.where(known, value, np.where(x == np.inf, np.inf, np.nan))
    return out
