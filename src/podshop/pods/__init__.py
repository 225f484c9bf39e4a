"""L3, strategies: one file, one strategy. Copy one to write your own.

A file offers

    Params            frozen parameters, units last; ValueError where a value makes no sense
    FIELDS            names of the panel's fields that it reads; "signals.smart_money" for a signal
    WHEN              "daily", "change" (weights differ from the row before), "week" or "month"
    gross(p)          largest sum of |weight| that it will ever wish for
    lookback(p)       rows of history, the row itself included, that the last row depends on
    wishes(panel, p)  (T, N) weights, fractions of the pod's capital; row t from rows <= t only

and nothing here knows of capital, lots, costs or other pods. A wish is 0 (never NaN) where there
is nothing to say or no price. `wishes(panel, p, days)` may take a third argument, (T,) True on the
rows that will be read; other rows may then be left 0. `research.cards` tests all of this.

Weights are multiples of 2**-20 (`cross_section.grain`), numbers that float32 holds exactly and
that add up exactly in any order. With windows that are computed freshly for each row, a pod says
the same bit for bit over ten years at once and live on its last `lookback` rows.
"""
