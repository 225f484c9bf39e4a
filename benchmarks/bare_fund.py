"""The yardstick: the same fund as bare arithmetic, one compiled loop without limits, laws or records.

Every day every slot is valued at the close and the pods' profits are kept; after each weekly close
the wishes become lots by truncation, the trades are netted by name, and at the next open they are
paid for (half spread on the net, shared in proportion). No caps, no ladder, no allocation, no
dividends, no interest, no book of fills: what any program that holds these lots has to do at least.
"""

import numpy as np
from numba import njit


@njit(cache=True)
def bare_fund(
    open_tn,
    close_tn,
    speak_t,
    row_t,
    row_ptr,
    asset_w,
    weight_w,
    pods,
    capital,
    half_spread,
    by_name,
):
    """Run P pods over T days.

    Gives profits (T, P), the fund's net orders, the slot-days valued, and with `by_name` the profit of
    every pod in every name over the whole run (else zeros).
    """
    days, names = close_tn.shape
    most = 4 * int((row_ptr[1:] - row_ptr[:-1]).max())
    asset = np.zeros((pods, most), np.int64)
    lots = np.zeros((pods, most), np.int64)
    want = np.zeros((pods, most), np.int64)
    other_asset = np.zeros(most, np.int64)
    other_lots = np.zeros(most, np.int64)
    other_want = np.zeros(most, np.int64)
    slots = np.zeros(pods, np.int64)
    equity = np.full(pods, capital)
    profit_tp = np.zeros((days, pods))
    profit_pn = np.zeros((pods, names))
    net = np.zeros(names, np.int64)
    gross = np.zeros(names, np.int64)
    fee = np.zeros(names)
    trading = False
    orders = 0
    valued = 0
    for t in range(days):
        if trading:
            for i in range(names):
                fee[i] = 0.0
                if gross[i] > 0:
                    fee[i] = half_spread * abs(net[i]) * open_tn[t, i] / gross[i]
                    if net[i] != 0:
                        orders += 1
            for p in range(pods):
                gain = 0.0
                n = 0
                for j in range(slots[p]):
                    i = asset[p, j]
                    old = lots[p, j]
                    new = want[p, j]
                    earned = old * (open_tn[t, i] - close_tn[t - 1, i])
                    earned += new * (close_tn[t, i] - open_tn[t, i]) - abs(new - old) * fee[i]
                    gain += earned
                    if by_name:
                        profit_pn[p, i] += earned
                    if new != 0:
                        asset[p, n] = i
                        lots[p, n] = new
                        n += 1
                valued += slots[p]
                slots[p] = n
                profit_tp[t, p] = gain
                equity[p] += gain
        elif t > 0:
            for p in range(pods):
                gain = 0.0
                for j in range(slots[p]):
                    i = asset[p, j]
                    earned = lots[p, j] * (close_tn[t, i] - close_tn[t - 1, i])
                    gain += earned
                    if by_name:
                        profit_pn[p, i] += earned
                valued += slots[p]
                profit_tp[t, p] = gain
                equity[p] += gain
        trading = speak_t[t] and t + 1 < days
        if not trading:
            continue
        net[:] = 0
        gross[:] = 0
        for p in range(pods):
            k = row_ptr[row_t[t] + p]
            end = row_ptr[row_t[t] + p + 1]
            j = 0
            n = 0
            while j < slots[p] or k < end:
                held = asset[p, j] if j < slots[p] else names
                wished = asset_w[k] if k < end else names
                i = min(held, wished)
                old = np.int64(0)
                new = np.int64(0)
                if held == i:
                    old = lots[p, j]
                    j += 1
                if wished == i:
                    new = np.int64(weight_w[k] * equity[p] / close_tn[t, i])
                    k += 1
                if old != 0 or new != 0:
                    other_asset[n] = i
                    other_lots[n] = old
                    other_want[n] = new
                    n += 1
                    net[i] += new - old
                    gross[i] += abs(new - old)
            for j in range(n):
                asset[p, j] = other_asset[j]
                lots[p, j] = other_lots[j]
                want[p, j] = other_want[j]
            slots[p] = n
    return profit_tp, orders, valued, profit_pn
