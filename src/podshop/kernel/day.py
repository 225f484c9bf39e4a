"""The arithmetic of one day, compiled.

1 `fill_nb`    what the simulated broker executes of the fund's orders (volume cap, spread, impact)
2 `accrue_nb`  dividends, borrow fees and interest of the lots and cash held overnight
3 `share_nb`   crosses between pods, then the broker's fills shared to the pods by largest remainder
4 `post_nb`    fills and accruals into lots and cash
5 `value_nb`   holdings at the mark, per pod; `grow_nb` turns a day's profit into unit values
6 `quiet_nb`   many days on which nothing is decided, stopping where something must be
7 `size_nb`    wishes into wanted lots under the pod's caps; `merge_nb` joins them to the slots
8 `cap_nb`     the fund's cap on one name; `net_nb` the orders that remain after netting

Every function takes flat arrays and writes into arrays it is given or returns new ones. None knows
whether it runs in a backtest or live. Slots are sorted by key = pod * N + asset; pods with few
names cost little. All money is int64; floats appear in rates, weights and unit values and are used
in one fixed order, so results are equal bit for bit on every run. No fastmath, no threads, no
callbacks. One file on purpose: numba's cache does not notice a change in a function imported from
another file.
"""

import math

import numpy as np
from numba import njit

JIT = {"cache": True, "nogil": True}


# --- prices and costs -----------------------------------------------------------------------------


@njit(**JIT)
def round_nb(x):
    """Round half up to an integer."""
    return np.int64(math.floor(x + 0.5))


@njit(**JIT)
def quotient_nb(a, b, whole, inverse):
    """Divide a * b >= 0 by whole > 0, rounding down, where the quotient is below 2**51.

    `inverse` is the rounded 1 / whole. The float quotient is off by one at most, which the
    remainder shows: exact, and unlike a division of integers quick and vectorised. It is right
    even where a * b passes 2**63, because the remainder is small and integers wrap around.
    """
    q = np.int64(np.float64(a) * np.float64(b) * inverse)
    rest = a * b - q * whole
    return q + np.int64(rest >= whole) - np.int64(rest < 0)


@njit(**JIT)
def spread_nb(reference, half_spread_bps):
    """Half spread of one lot in micros."""
    return round_nb(reference * half_spread_bps * 1e-4)


@njit(**JIT)
def impact_nb(reference, lots, sigma, adv, coefficient):
    """Square-root market impact on one lot in micros: coefficient * sigma * sqrt(lots / adv)."""
    return round_nb(reference * coefficient * sigma * math.sqrt(abs(lots) / adv))


@njit(**JIT)
def commission_nb(lots, per_lot, minimum):
    """Broker's commission of one order in micros; nothing traded costs nothing."""
    if lots == 0:
        return np.int64(0)
    return max(np.int64(minimum), np.int64(abs(lots) * per_lot))


@njit(**JIT)
def liquidity_nb(
    assets, t, days, returns_nt, volume_tn, mark_tn, adv_assumed, vol_assumed, sigma, adv
):
    """Daily volatility and average volume over the `days` rows before t, known before its open."""
    first = max(0, t - days)
    n = t - first
    for j in range(len(assets)):
        i = assets[j]
        total = 0.0
        square = 0.0
        for u in range(first, t):
            r = np.float64(returns_nt[i, u])
            total += r
            square += r * r
        sigma[j] = vol_assumed
        if n >= 5:
            variance = (square - total * total / n) / (n - 1)
            if variance > 0.0:
                sigma[j] = math.sqrt(variance)
        adv[j] = 0.0
    known = np.zeros(len(assets), np.int64)
    for u in range(first, t):
        for j in range(len(assets)):
            lots = volume_tn[u, np.uint64(assets[j])]
            if lots >= 0:
                adv[j] += lots
                known[j] += 1
    for j in range(len(assets)):
        mark = mark_tn[t - 1, assets[j]] if t > 0 else 0
        if known[j] > 0:
            adv[j] = max(1.0, adv[j] / known[j])
        else:
            adv[j] = max(1.0, adv_assumed / mark) if mark > 0 else 1.0


@njit(**JIT)
def fill_nb(
    lots_o,
    reference_o,
    volume_o,
    sigma_o,
    adv_o,
    half_spread_bps,
    impact,
    volume_cap,
    per_lot,
    minimum,
):
    """Execute orders at the reference price plus half spread and impact, up to a share of the
    volume.

    Gives (filled lots, price, fee) per order; 0 lots where there was no price or no volume.
    """
    n = len(lots_o)
    filled = np.zeros(n, np.int64)
    price = np.zeros(n, np.int64)
    fee = np.zeros(n, np.int64)
    for j in range(n):
        if reference_o[j] <= 0:
            continue
        size = abs(lots_o[j])
        if volume_o[j] >= 0:
            size = min(size, np.int64(math.floor(volume_cap * volume_o[j])))
        if size == 0:
            continue
        slip = spread_nb(reference_o[j], half_spread_bps)
        slip += impact_nb(reference_o[j], size, sigma_o[j], adv_o[j], impact)
        if lots_o[j] > 0:
            filled[j] = size
            price[j] = reference_o[j] + slip
        else:
            filled[j] = -size
            price[j] = max(np.int64(1), reference_o[j] - slip)
        fee[j] = commission_nb(size, per_lot, minimum)
    return filled, price, fee


@njit(**JIT)
def charge_nb(lots_n, mark_n, fee_rate, borrow_n):
    """Borrow fee of every short position at the last mark, micros, rounded up in the lender's
    favour.
    """
    for i in range(len(lots_n)):
        borrow_n[i] = 0
        if lots_n[i] < 0:
            borrow_n[i] = np.int64(math.ceil(np.float64(-lots_n[i] * mark_n[i]) * fee_rate))


@njit(**JIT)
def interest_nb(cash, rate, debit_rate):
    """Interest of one night in micros, rounded down; negative cash pays the rate plus the debit
    spread.
    """
    if cash >= 0:
        return np.int64(math.floor(cash * rate))
    return np.int64(math.floor(cash * (rate + debit_rate)))


@njit(**JIT)
def nights_nb(cash_p, rate, debit_rate, interest_p):
    """Interest of one night for every pod."""
    for p in range(len(cash_p)):
        interest_p[p] = interest_nb(cash_p[p], rate, debit_rate)


@njit(**JIT)
def rest_nb(
    cash,
    lots_n,
    mark_n,
    mark_tn,
    div_start,
    div_asset,
    div_value,
    fee_t,
    rate_t,
    debit_t,
    borrow_tn,
    interest_t,
    cash_t,
):
    """The broker's account over quiet sessions: borrow fees, interest and cash of each."""
    for t in range(mark_tn.shape[0]):
        charge_nb(lots_n, mark_n if t == 0 else mark_tn[t - 1], fee_t[t], borrow_tn[t])
        interest_t[t] = interest_nb(cash, rate_t[t], debit_t[t])
        for d in range(div_start[t], div_start[t + 1]):
            cash += lots_n[div_asset[d]] * div_value[d]
        for i in range(len(lots_n)):
            cash -= borrow_tn[t, i]
        cash += interest_t[t]
        cash_t[t] = cash


# --- sharing --------------------------------------------------------------------------------------


@njit(**JIT)
def apportion_nb(total, weight, share):
    """Share a whole number in proportion to weights by largest remainder; ties go to the first.

    Needs total >= 0 and weights >= 0 with a positive sum (else everything is 0). Gives
    sum(share) = total.
    """
    work = np.empty((3, len(weight)), np.int64)
    work[0] = weight
    deal_nb(total, work, 0, len(weight), 0, 1, 2)
    share[:] = work[1]


@njit(**JIT)
def deal_nb(total, work, a, b, weight, share, rest):
    """`apportion_nb` on columns a..b of the named rows of `work`.

    Here and below, loops that run thousands of times a day count with unsigned numbers and take few
    arrays: numba lets an index below 0 count from the end, and that check, like the reference count
    of each array that is passed, would cost more than the work.
    """
    whole = np.int64(0)
    for j in range(np.uint64(a), np.uint64(b)):
        whole += work[weight, j]
        work[share, j] = 0
    if whole <= 0:
        return
    # in two steps, so that the quotient stays small for fees on large orders
    q = total // whole
    r = total - q * whole
    left = r
    inverse = 1.0 / whole
    for j in range(np.uint64(a), np.uint64(b)):
        part = quotient_nb(r, work[weight, j], whole, inverse)
        work[share, j] = q * work[weight, j] + part
        work[rest, j] = r * work[weight, j] - part * whole
        left -= part
    while left > 0:
        best = np.uint64(a)
        for j in range(np.uint64(a), np.uint64(b)):
            best = np.uint64(j) if work[rest, j] > work[rest, best] else best
        work[share, best] += 1
        work[rest, best] = -1
        left -= 1


@njit(**JIT)
def assets_nb(key_s, n_assets):
    """The asset of every slot, found without dividing."""
    asset_s = np.empty(len(key_s), np.uint32)
    first = np.int64(0)  # the first key of the slot's pod
    for s in range(len(key_s)):
        while key_s[s] >= first + n_assets:
            first += n_assets
        asset_s[s] = key_s[s] - first
    return asset_s


@njit(**JIT)
def pods_nb(key_s, n_assets):
    """The pod of every slot, found without dividing."""
    pod_s = np.empty(len(key_s), np.uint32)
    p = 0
    for s in range(len(key_s)):
        while key_s[s] >= (p + 1) * n_assets:
            p += 1
        pod_s[s] = p
    return pod_s


@njit(**JIT)
def by_asset_nb(key_s, pick_s, n_assets):
    """The picked slots grouped by asset, pods ascending: (offsets per asset, slot numbers)."""
    asset_s = assets_nb(key_s, n_assets)
    start = np.zeros(n_assets + 1, np.int64)
    for s in range(len(key_s)):
        start[asset_s[s] + 1] += pick_s[s]
    start = np.cumsum(start)
    slot = np.empty(start[n_assets], np.uint32)
    at = start[:-1].copy()
    for s in range(len(key_s)):
        if pick_s[s]:
            slot[at[asset_s[s]]] = s
            at[asset_s[s]] += 1
    return start, slot


@njit(**JIT)
def share_asset_nb(work, a, b, reference, fill_fk, f0, f1, rows, n):
    """Cross one asset at the reference, then share the broker's fills f0..f1 to the longer side.

    Columns a..b of `work` are the slots that trade it; row 0 is what they still want. `fill_fk` has
    lots and fee. `rows` receives (column, fill or -1, lots, fee) from row n on. Gives the new n, or
    -1 when the broker filled what nobody had ordered.
    """
    buys = np.int64(0)
    sells = np.int64(0)
    for j in range(np.uint64(a), np.uint64(b)):
        buys += max(np.int64(0), work[0, j])
        sells -= min(np.int64(0), work[0, j])
    side = 1 if buys >= sells else -1
    crossed = min(buys, sells) if reference > 0 else np.int64(0)
    if crossed > 0:
        for j in range(np.uint64(a), np.uint64(b)):
            work[1, j] = max(np.int64(0), side * work[0, j])
        deal_nb(crossed, work, a, b, 1, 2, 4)
        for j in range(np.uint64(a), np.uint64(b)):
            lots = side * (work[2, j] + min(np.int64(0), side * work[0, j]))
            r = np.uint64(n)
            rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3] = j, -1, lots, 0
            n += lots != 0
            work[0, j] -= lots
    for f in range(f0, f1):
        fill_side = 1 if fill_fk[f, 0] > 0 else -1
        left = np.int64(0)
        for j in range(np.uint64(a), np.uint64(b)):
            work[1, j] = max(np.int64(0), fill_side * work[0, j])
            left += work[1, j]
        if abs(fill_fk[f, 0]) > left:
            return -1
        deal_nb(abs(fill_fk[f, 0]), work, a, b, 1, 2, 4)
        deal_nb(fill_fk[f, 1], work, a, b, 2, 3, 4)
        for j in range(np.uint64(a), np.uint64(b)):
            lots = fill_side * work[2, j]
            r = np.uint64(n)
            rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3] = j, f, lots, work[3, j]
            n += lots != 0
            work[0, j] -= lots
    return n


@njit(**JIT)
def share_nb(key_s, lots_s, want_s, n_assets, reference_n, asset_f, lots_f, fee_f):
    """Cross the pods' trades and share the broker's fills to them.

    Rule (mid-cross, pro rata): the smaller side crosses fully at the reference price, the larger
    side crosses its share of that; what is left of the larger side shares the fills in proportion
    to what each pod still wants. Whole lots by largest remainder, ties to the pod hired first.

    Needs fills in ascending asset order. Gives (rows, count): rows of slot, fill number (-1 =
    cross), lots, fee; count = -1 - asset when the broker filled more than was ordered.
    """
    start, slot = by_asset_nb(key_s, want_s != lots_s, n_assets)
    most = len(slot)
    for f in range(len(asset_f)):
        i = asset_f[f]
        most += start[i + 1] - start[i]
    rows = np.empty((most + 1, 4), np.int64)  # one to spare: a row is written before it is known
    work = np.empty((5, len(slot)), np.int64)
    for j in range(len(slot)):
        work[0, j] = want_s[slot[j]] - lots_s[slot[j]]
    fill_fk = np.stack((lots_f, fee_f), axis=1)
    n, f = 0, 0
    for i in range(n_assets):
        f0 = f
        while f < len(asset_f) and asset_f[f] == i:
            f += 1
        a, b = start[i], start[i + 1]
        if a < b or f0 < f:
            n = share_asset_nb(work, a, b, reference_n[i], fill_fk, f0, f, rows, n)
        if n < 0:
            return rows[:most], -1 - i
    for r in range(n):
        rows[r, 0] = slot[rows[r, 0]]
    return rows[:most], n


@njit(**JIT)
def filled_nb(rows, key_s, n_assets, reference_n, price_f, order_f, market, cross):
    """The shared rows as columns: pod, asset, lots, price, fee, kind, order id."""
    n = len(rows)
    pod, asset, lots = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    price, fee = np.empty(n, np.int64), np.empty(n, np.int64)
    kind, order = np.empty(n, np.int64), np.empty(n, np.int64)
    pod_s, asset_s = pods_nb(key_s, n_assets), assets_nb(key_s, n_assets)
    for r in range(n):
        s, f = np.uint64(rows[r, 0]), rows[r, 1]
        pod[r], asset[r] = pod_s[s], asset_s[s]
        lots[r] = rows[r, 2]
        price[r] = price_f[f] if f >= 0 else reference_n[asset_s[s]]
        fee[r] = rows[r, 3]
        kind[r] = market if f >= 0 else cross
        order[r] = order_f[f] if f >= 0 else 0
    return pod, asset, lots, price, fee, kind, order


@njit(**JIT)
def cost_split_nb(
    rows,
    key_s,
    n_assets,
    reference_n,
    price_f,
    sigma_n,
    adv_n,
    half_spread_bps,
    impact,
    per_lot,
    minimum,
):
    """What each slot's trades would have cost alone, and what netting saved against that.

    Gives columns, one row a slot that traded: pod, asset, reference, commission, spread, impact,
    netting; costs are negative micros.
    """
    pod_s, asset_s = pods_nb(key_s, n_assets), assets_nb(key_s, n_assets)
    trade_sk = np.zeros((len(key_s), 3), np.int64)  # lots, paid beyond the reference, reference
    for r in range(len(rows)):
        at, f = np.uint64(rows[r, 0]), rows[r, 1]
        if trade_sk[at, 0] == 0:  # a slot's rows all have the sign of what it wanted
            trade_sk[at, 2] = reference_n[asset_s[at]]
        if f >= 0:
            if trade_sk[at, 2] <= 0:
                trade_sk[at, 2] = price_f[f]
            trade_sk[at, 1] += rows[r, 3] + rows[r, 2] * (price_f[f] - trade_sk[at, 2])
        trade_sk[at, 0] += rows[r, 2]
    m = np.count_nonzero(trade_sk[:, 0])
    pod, asset, reference = np.empty(m, np.int64), np.empty(m, np.int64), np.empty(m, np.int64)
    commission, spread = np.empty(m, np.int64), np.empty(m, np.int64)
    impacts, netting = np.empty(m, np.int64), np.empty(m, np.int64)
    k = 0
    for s in range(len(key_s)):
        i, size, price = asset_s[s], abs(trade_sk[s, 0]), trade_sk[s, 2]
        if size == 0:
            continue
        pod[k], asset[k], reference[k] = pod_s[s], i, price
        commission[k] = -commission_nb(size, per_lot, minimum)
        spread[k] = -size * spread_nb(price, half_spread_bps)
        impacts[k] = -size * impact_nb(price, size, sigma_n[i], adv_n[i], impact)
        netting[k] = -(commission[k] + spread[k] + impacts[k]) - trade_sk[s, 1]
        k += 1
    return pod, asset, reference, commission, spread, impacts, netting


# --- booking --------------------------------------------------------------------------------------


@njit(**JIT)
def locate_nb(key_s, n_assets, pod_r, asset_r):
    """The slot of every row, -1 where there is none; quick where rows come grouped by asset."""
    start, slot = by_asset_nb(key_s, np.ones(len(key_s), np.bool_), n_assets)
    pod_s = pods_nb(key_s, n_assets)
    pods = np.int64(pod_s[-1]) + 1 if len(pod_s) else np.int64(0)
    slot_p = np.full(pods, -1, np.int64)  # where the pods hold the asset that the rows are at
    slot_r = np.full(len(pod_r), -1, np.int64)
    here = np.int64(-1)
    for r in range(len(pod_r)):
        p, i = pod_r[r], asset_r[r]
        if p < 0 or p >= pods or i < 0 or i >= n_assets:
            continue
        if i != here:
            here = i
            for j in range(np.uint64(start[i]), np.uint64(start[i + 1])):
                slot_p[pod_s[slot[j]]] = slot[j]
        s = slot_p[p]  # of an asset before, where the pod has no slot of this one
        if s >= 0 and key_s[s] == p * n_assets + i:
            slot_r[r] = s
    return slot_r


@njit(**JIT)
def judged_nb(pod_j, asset_j, reference_j, n_assets, pod_r, asset_r):
    """The reference of every row's pod and asset, as the judge's rows j give it.

    Nearly always it is one a name; only where pods differ is each row looked for.
    """
    reference_n = np.zeros(n_assets, np.int64)
    alike = True
    for j in range(len(asset_j)):
        if reference_n[asset_j[j]] == 0:
            reference_n[asset_j[j]] = reference_j[j]
        alike &= reference_n[asset_j[j]] == reference_j[j]
    if alike:
        return reference_n[asset_r]
    return reference_j[locate_nb(pod_j * n_assets + asset_j, n_assets, pod_r, asset_r)]


@njit(**JIT)
def post_nb(key_s, lots_s, cash_p, n_assets, pod_r, asset_r, lots_r, price_r, fee_r):
    """Book fills into lots and cash. Gives -1, or the number of the row without a slot."""
    slot_r = locate_nb(key_s, n_assets, pod_r, asset_r)
    for r in range(len(pod_r)):
        if slot_r[r] < 0:
            return r
        lots_s[slot_r[r]] += lots_r[r]
        cash_p[pod_r[r]] -= lots_r[r] * price_r[r] + fee_r[r]
    return -1


@njit(**JIT)
def tally_nb(pod_r, part_r, amount_r, table):
    """Add amounts to a (P + 1, parts) table; the centre, pod -1, is its last row.

    `part_r` may be a single part for all rows.
    """
    for r in range(len(pod_r)):
        table[pod_r[r], part_r[min(r, len(part_r) - 1)]] += amount_r[r]


@njit(**JIT)
def pay_nb(pod_r, amount_r, cash_p):
    """Add amounts to the pods' cash. Gives what went to the centre, pod -1."""
    centre = np.int64(0)
    for r in range(len(pod_r)):
        if pod_r[r] >= 0:
            cash_p[pod_r[r]] += amount_r[r]
        else:
            centre += amount_r[r]
    return centre


@njit(**JIT)
def merge_nb(key_s, lots_s, want_s, key_w, want_w):
    """Write new wants over the slots; new keys become slots, slots of nothing wanted and held
    vanish.
    """
    most = len(key_s) + len(key_w)
    key = np.empty(most, np.int64)
    lots = np.empty(most, np.int64)
    want = np.empty(most, np.int64)
    n = 0
    s = 0
    w = 0
    end = np.int64(2**62)
    while s < len(key_s) or w < len(key_w):
        a = key_s[s] if s < len(key_s) else end
        b = key_w[w] if w < len(key_w) else end
        key[n] = min(a, b)
        lots[n] = 0
        want[n] = 0
        if a <= b:
            lots[n] = lots_s[s]
            want[n] = want_s[s]
            s += 1
        if b <= a:
            want[n] = want_w[w]
            w += 1
        n += (lots[n] | want[n]) != 0
    return key[:n], lots[:n], want[:n]


@njit(**JIT)
def value_nb(key_s, lots_s, n_assets, mark_n, value_p):
    """Holdings at the mark per pod, micros."""
    value_p[:] = 0
    p = 0
    for s in range(len(key_s)):
        while key_s[s] >= (p + 1) * n_assets:
            p += 1
        value_p[p] += lots_s[s] * mark_n[key_s[s] - p * n_assets]


@njit(**JIT)
def grow_nb(profit_p, nominal_p, borne_p, unit_p, peak_p, return_p):
    """Grow the pods' nominal unit values: U *= 1 + profit / capital; nominal moves with the profit.

    The capital is `borne_p`, which differs from nominal_p only on the day after a change of
    capital, and nominal_p for a pod that has just been hired. A pod without capital stays without.
    """
    for p in range(len(profit_p)):
        return_p[p] = 0.0
        capital = borne_p[p] if borne_p[p] > 0 else nominal_p[p]
        if capital > 0:
            return_p[p] = profit_p[p] / capital
            unit_p[p] *= 1.0 + return_p[p]
            unit_p[p] = max(unit_p[p], 0.0)
            peak_p[p] = max(peak_p[p], unit_p[p])
        if nominal_p[p] > 0:
            nominal_p[p] = max(np.int64(0), nominal_p[p] + profit_p[p])


@njit(**JIT)
def accrue_nb(key_s, lots_s, n_assets, asset_e, value_e, borrow_n, short_n, dividend_s, borrow_s):
    """Dividends and borrow fees of the lots held overnight, per slot; short lots pay dividends.

    The fund's borrow fee of a name is shared to the pods short of it in proportion, rounded towards
    the pods; the centre keeps the rounding. `short_n` is the sum of short lots over pods.
    """
    paid_n = np.zeros(n_assets, np.int64)
    for e in range(len(asset_e)):
        paid_n[asset_e[e]] += value_e[e]
    asset_s = assets_nb(key_s, n_assets)
    short_n = np.maximum(short_n, 1)
    inverse_n = 1.0 / short_n
    for s in range(len(key_s)):
        i = asset_s[s]
        dividend_s[s] = lots_s[s] * paid_n[i]
        lent = max(np.int64(0), -lots_s[s])
        borrow_s[s] = -quotient_nb(borrow_n[i], lent, short_n[i], inverse_n[i])


@njit(**JIT)
def less_nb(key_s, n_assets, amount_s, rest_n):
    """Take the slots' amounts from the amounts of their assets, in place."""
    asset_s = assets_nb(key_s, n_assets)
    for s in range(len(key_s)):
        rest_n[asset_s[s]] -= amount_s[s]


@njit(**JIT)
def short_nb(key_s, lots_s, n_assets, short_n, net_n):
    """Short lots and net lots per asset over all pods."""
    short_n[:] = 0
    net_n[:] = 0
    asset_s = assets_nb(key_s, n_assets)
    for s in range(len(key_s)):
        net_n[asset_s[s]] += lots_s[s]
        short_n[asset_s[s]] -= min(np.int64(0), lots_s[s])


@njit(**JIT)
def carry_nb(asset_s, lots_s, a, b, move_n, paid_n, fee_n, short_n, inverse_n):
    """What slots a..b of one pod earn and pay over a day: (price, dividend, borrow fee)."""
    price = np.int64(0)
    dividend = np.int64(0)
    borrow = np.int64(0)
    for s in range(np.uint64(a), np.uint64(b)):
        i = asset_s[s]
        price += lots_s[s] * move_n[i]
        dividend += lots_s[s] * paid_n[i]
    for s in range(np.uint64(a), np.uint64(b)):
        i = asset_s[s]
        lent = max(np.int64(0), -lots_s[s])
        borrow -= quotient_nb(fee_n[i], lent, short_n[i], inverse_n[i])
    return price, dividend, borrow


@njit(**JIT)
def quiet_nb(slots, days, state, fund, fund_f, wires, rows):
    """Advance up to D days on which nobody speaks, fills, splits or leaves; stop where a limit may
    act.

    slots: offsets per pod, assets, lots, short lots per asset.
    days, the D after the book's: marks, dividends (offsets, assets, values), borrow fees, interest,
        rate, debit rate.
    state, updated in place: marks, cash, NAV, nominal, unit and peak of the book; so are
        fund = [reserve, nav] and fund_f = [unit, peak].
    wires: drawdown and recovery per pod, drawdown of the fund.
    rows, written a day: NAV, unit, nominal and return of the pods, their parts (price, dividend,
        borrow, interest), the centre's (dividend, borrow, interest), reserve and nav, return of the
        fund.
    Gives the number of days done, and whether a limit may act on the last of them.
    """
    pod_start, asset_s, lots_s, short_n = slots
    mark_tn, div_start, div_asset, div_value, borrow_tn, interest_t, rate_t, debit_t = days
    mark_n, cash_p, nav_p, nominal_p, unit_p, peak_p = state
    trip_p, recover_p, fund_trip = wires
    nav_tp, unit_tp, nominal_tp, return_tp, part_tpk, centre_tk, fund_t, fund_return_t = rows
    pods = len(nav_p)
    profit_p = np.zeros(pods, np.int64)
    short_n = np.maximum(short_n, 1)
    inverse_n = 1.0 / short_n
    for t in range(len(mark_tn)):
        paid_n = np.zeros(len(mark_n), np.int64)
        for d in range(div_start[t], div_start[t + 1]):
            paid_n[div_asset[d]] += div_value[d]
        move_n = mark_tn[t] - mark_n
        fund_borrow = np.sum(borrow_tn[t])
        centre_tk[t, 0] = 0
        centre_tk[t, 1] = -fund_borrow
        centre_tk[t, 2] = interest_t[t]
        for p in range(pods):
            price, dividend, borrow = carry_nb(
                asset_s,
                lots_s,
                pod_start[p],
                pod_start[p + 1],
                move_n,
                paid_n,
                borrow_tn[t],
                short_n,
                inverse_n,
            )
            interest = interest_nb(cash_p[p], rate_t[t], debit_t[t])
            cash_p[p] += dividend + borrow + interest
            profit_p[p] = price + dividend + borrow + interest
            nav_p[p] += profit_p[p]
            centre_tk[t, 1] -= borrow
            centre_tk[t, 2] -= interest
            part_tpk[t, p, 0] = price
            part_tpk[t, p, 1] = dividend
            part_tpk[t, p, 2] = borrow
            part_tpk[t, p, 3] = interest
        grow_nb(profit_p, nominal_p, nominal_p, unit_p, peak_p, return_tp[t])
        fund[0] += centre_tk[t, 1] + centre_tk[t, 2]
        total = np.sum(nav_p) + fund[0]
        gain = np.float64(total - fund[1]) / np.float64(fund[1]) if fund[1] != 0 else 0.0
        fund_return_t[t] = gain
        fund_f[0] *= 1.0 + gain
        fund_f[1] = max(fund_f[1], fund_f[0])
        fund[1] = total
        fund_t[t] = fund
        mark_n[:] = mark_tn[t]
        nav_tp[t] = nav_p
        unit_tp[t] = unit_p
        nominal_tp[t] = nominal_p
        stop = 1.0 - fund_f[0] / fund_f[1] >= fund_trip - 1e-12
        stop |= np.any(1.0 - unit_p / peak_p >= trip_p - 1e-12)
        stop |= np.any(recover_p & (unit_p >= peak_p))
        if stop:
            return t + 1, True
    return len(mark_tn), False


# --- deciding -------------------------------------------------------------------------------------


@njit(**JIT)
def volatility_nb(asset, weight, n, returns_nt, rows, assumed):
    """Ex-ante volatility a year of weights: standard deviation of their trailing daily returns *
    sqrt(252).

    With fewer than 20 rows of history every name is assumed to move together at `assumed` a day.
    """
    last = returns_nt.shape[1]
    first = max(0, last - rows)
    days = last - first
    gross = 0.0
    for j in range(n):
        gross += abs(weight[j])
    if days < 20:
        return gross * assumed * math.sqrt(252.0)
    path = np.zeros(days, np.float64)
    for j in range(n):
        w = weight[j]
        r = returns_nt[asset[j]]
        for u in range(days):
            path[u] += w * r[first + u]
    mean = 0.0
    for u in range(days):
        mean += path[u]
    mean /= days
    square = 0.0
    for u in range(days):
        square += (path[u] - mean) * (path[u] - mean)
    return math.sqrt(square / (days - 1) * 252.0)


@njit(**JIT)
def shrink_nb(asset, weight, n, sector_n, sectors, position, sector, gross, net):
    """Bring one pod's weights under its caps: name, sector and side, gross, net; in place."""
    for j in range(n):
        weight[j] = min(max(weight[j], -position), position)
    if sector < np.inf:
        side = np.zeros((sectors, 2), np.float64)
        for j in range(n):
            side[sector_n[asset[j]], 1 if weight[j] > 0 else 0] += abs(weight[j])
        for j in range(n):
            used = side[sector_n[asset[j]], 1 if weight[j] > 0 else 0]
            if used > sector:
                weight[j] *= sector / used
    longs = 0.0
    shorts = 0.0
    for j in range(n):
        longs += max(weight[j], 0.0)
        shorts -= min(weight[j], 0.0)
    up = 1.0
    down = 1.0
    if longs - shorts > net:
        up = (net + shorts) / longs
    elif shorts - longs > net:
        down = (net + longs) / shorts
    total = longs * up + shorts * down
    scale = gross / total if total > gross else 1.0
    for j in range(n):
        weight[j] *= scale * (up if weight[j] > 0 else down)


@njit(**JIT)
def size_nb(
    sized_p,
    base_p,
    begin_p,
    end_p,
    asset_w,
    weight_w,
    key_s,
    lots_s,
    n_assets,
    mark_n,
    traded_n,
    sector_n,
    sectors,
    returns_nt,
    gross_p,
    caps,
    vol_days,
    vol_assumed,
):
    """Turn the sized pods' wishes into wanted lots.

    caps = [position, sector, gross, net, volatility]; lots are cut towards zero, so a cap that
    holds for weights holds for lots. A name without a price today keeps its lots. Gives (keys,
    wants) of every name that a sized pod wishes or holds, ascending.
    """
    most = len(key_s)
    for p in range(len(sized_p)):
        if sized_p[p]:
            most += end_p[p] - begin_p[p]
    key = np.empty(most, np.int64)
    want = np.empty(most, np.int64)
    out = 0
    s = 0
    for p in range(len(sized_p)):
        while s < len(key_s) and key_s[s] < p * n_assets:
            s += 1
        if not sized_p[p]:
            continue
        a, n = begin_p[p], end_p[p] - begin_p[p]
        asset = asset_w[a : a + n]
        weight = weight_w[a : a + n].astype(np.float64)
        shrink_nb(
            asset, weight, n, sector_n, sectors, caps[0], caps[1], min(caps[2], gross_p[p]), caps[3]
        )
        scale = 1.0
        if caps[4] < np.inf and n > 0:
            vol = volatility_nb(asset, weight, n, returns_nt, vol_days, vol_assumed)
            if vol > caps[4]:
                scale = caps[4] / vol
        j = 0
        while j < n or (s < len(key_s) and key_s[s] < (p + 1) * n_assets):
            held = key_s[s] if s < len(key_s) and key_s[s] < (p + 1) * n_assets else np.int64(2**62)
            wished = p * n_assets + asset[j] if j < n else np.int64(2**62)
            k = min(held, wished)
            i = k - p * n_assets
            lots = np.int64(0)
            if held == k:
                lots = lots_s[s]
                s += 1
            target = np.int64(0)
            if wished == k:
                if mark_n[i] > 0:
                    target = np.int64(weight[j] * scale * base_p[p] / mark_n[i])
                j += 1
            key[out] = k
            want[out] = target if traded_n[i] or base_p[p] == 0 else lots
            out += 1
    return key[:out], want[:out]


@njit(**JIT)
def share_room_nb(key_s, want_s, n_assets, longs, shorts, room):
    """Leave the longer side of each name with room >= 0 exactly that many lots, by largest
    remainder.
    """
    longer = np.zeros(len(key_s), np.bool_)
    asset_s = assets_nb(key_s, n_assets)
    for s in range(len(key_s)):
        i = asset_s[s]
        if room[i] >= 0 and want_s[s] != 0:
            longer[s] = (want_s[s] > 0) == (longs[i] > shorts[i])
    start, slot = by_asset_nb(key_s, longer, n_assets)
    for i in range(n_assets):
        mine = slot[start[i] : start[i + 1]]
        if len(mine):
            share = np.empty(len(mine), np.int64)
            apportion_nb(room[i], np.abs(want_s[mine]), share)
            side = 1 if longs[i] > shorts[i] else -1
            for j in range(len(mine)):
                want_s[mine[j]] = side * share[j]


@njit(**JIT)
def cap_nb(key_s, want_s, n_assets, mark_n, limit):
    """Scale the longer side of every name whose net wanted value passes `limit` micros; in place.

    Gives the number of names that were capped.
    """
    longs = np.zeros(n_assets, np.int64)
    shorts = np.zeros(n_assets, np.int64)
    asset_s = assets_nb(key_s, n_assets)
    for s in range(len(key_s)):
        longs[asset_s[s]] += max(np.int64(0), want_s[s])
        shorts[asset_s[s]] -= min(np.int64(0), want_s[s])
    room = np.zeros(n_assets, np.int64)
    capped = 0
    for i in range(n_assets):
        room[i] = -1
        if mark_n[i] > 0:
            most = limit // mark_n[i]
            if abs(longs[i] - shorts[i]) > most:
                room[i] = most + min(longs[i], shorts[i])
                capped += 1
    if capped:
        share_room_nb(key_s, want_s, n_assets, longs, shorts, room)
    return capped


@njit(**JIT)
def differ_nb(key_s, want_s, key_t, want_t, n_assets):
    """Where wants differ between two lists of slots; a slot that a list lacks wants nothing there.

    Gives columns pod, asset and the want of the second list, ascending.
    """
    most = len(key_s) + len(key_t)
    pod, asset = np.empty(most, np.int64), np.empty(most, np.int64)
    want = np.empty(most, np.int64)
    n = 0
    p = 0
    s = 0
    t = 0
    end = np.int64(2**62)
    while s < len(key_s) or t < len(key_t):
        a = key_s[s] if s < len(key_s) else end
        b = key_t[t] if t < len(key_t) else end
        before = np.int64(0)
        after = np.int64(0)
        if a <= b:
            before = want_s[s]
            s += 1
        if b <= a:
            after = want_t[t]
            t += 1
        if before != after:
            while min(a, b) >= (p + 1) * n_assets:
                p += 1
            pod[n], asset[n], want[n] = p, min(a, b) - p * n_assets, after
            n += 1
    return pod[:n], asset[:n], want[:n]


@njit(**JIT)
def balance_nb(touched_p, base_p, key_s, want_s, n_assets, mark_n, net):
    """Shrink the longer side of touched pods whose net wanted value passes `net` of their base; in
    place.

    Whole lots, and the fund's cap on a name, can leave a pod more lopsided than its weights were.
    Gives the number of pods that were brought in.
    """
    changed = 0
    s = 0
    for p in range(len(touched_p)):
        first = s
        longs = np.int64(0)
        shorts = np.int64(0)
        while s < len(key_s) and key_s[s] < (p + 1) * n_assets:
            value = want_s[s] * mark_n[key_s[s] - p * n_assets]
            longs += max(np.int64(0), value)
            shorts -= min(np.int64(0), value)
            s += 1
        most = np.int64(net * base_p[p])
        if not touched_p[p] or abs(longs - shorts) <= most:
            continue
        changed += 1
        side, room = max(longs, shorts), most + min(longs, shorts)
        sign = 1 if longs > shorts else -1
        before = want_s[first:s].copy()
        left = room
        for j in range(first, s):
            if sign * want_s[j] > 0:
                want_s[j] = sign * quotient_nb(sign * want_s[j], room, side, 1.0 / side)
                left -= sign * want_s[j] * mark_n[key_s[j] - p * n_assets]
        for j in range(first, s):  # what cutting to whole lots took too much, lot by lot
            mark = mark_n[key_s[j] - p * n_assets]
            if sign * before[j - first] > sign * want_s[j] and mark <= left:
                want_s[j] += sign
                left -= mark
    return changed


@njit(**JIT)
def close_only_nb(lots_s, want_s):
    """Forbid new risk: a want may only lie between nothing and what is held; in place."""
    for s in range(len(lots_s)):
        if lots_s[s] >= 0:
            want_s[s] = min(max(want_s[s], np.int64(0)), lots_s[s])
        else:
            want_s[s] = max(min(want_s[s], np.int64(0)), lots_s[s])


@njit(**JIT)
def order_id_nb(seed, cycle, asset, side):
    """Id of an order: a bijection of (cycle, asset, side) keyed by the fund, so ids cannot
    collide.
    """
    x = np.uint64((cycle << 24) | (asset << 1) | side) ^ np.uint64(seed)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64(x ^ (x >> np.uint64(31)))


@njit(**JIT)
def net_nb(key_s, lots_s, want_s, n_assets, seed, cycle):
    """Net all pods' trades into one order a name. Gives (ids, assets, lots)."""
    net = np.zeros(n_assets, np.int64)
    asset_s = assets_nb(key_s, n_assets)
    for s in range(len(key_s)):
        net[asset_s[s]] += want_s[s] - lots_s[s]
    asset = np.flatnonzero(net)
    lots = net[asset]
    ids = np.empty(len(asset), np.int64)
    for o in range(len(asset)):
        ids[o] = order_id_nb(seed, cycle, asset[o], 1 if lots[o] > 0 else 0)
    return ids, asset, lots
