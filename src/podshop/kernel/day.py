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
whether it runs in a backtest or live. Slots are sorted by key = pod * N + asset; pods with few names
cost little. All money is int64; floats appear in rates, weights and unit values and are used in one
fixed order, so results are equal bit for bit on every run. No fastmath, no threads, no callbacks.
One file on purpose: numba's cache does not notice a change in a function imported from another file.
"""

import math

import numpy as np
from numba import njit

JIT = {"cache": True, "nogil": True}


# --- prices and costs -------------------------------------------------------------------------------


@njit(**JIT)
def round_nb(x):
    """Round half up to an integer."""
    return np.int64(math.floor(x + 0.5))


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
def liquidity_nb(assets, t, days, returns_nt, volume_tn, mark_tn, adv_assumed, vol_assumed, sigma, adv):
    """Daily volatility and average volume over the `days` rows before t, known before its open."""
    first = max(0, t - days)
    n = t - first
    for j in range(len(assets)):
        i = assets[j]
        total = 0.0
        square = 0.0
        traded = 0.0
        known = 0
        for u in range(first, t):
            r = np.float64(returns_nt[i, u])
            total += r
            square += r * r
            if volume_tn[u, i] >= 0:
                traded += volume_tn[u, i]
                known += 1
        sigma[j] = vol_assumed
        if n >= 5:
            variance = (square - total * total / n) / (n - 1)
            if variance > 0.0:
                sigma[j] = math.sqrt(variance)
        adv[j] = 1.0
        mark = mark_tn[t - 1, i] if t > 0 else 0
        if known > 0:
            adv[j] = max(1.0, traded / known)
        elif mark > 0:
            adv[j] = max(1.0, adv_assumed / mark)


@njit(**JIT)
def fill_nb(lots_o, reference_o, volume_o, sigma_o, adv_o, half_spread_bps, impact, volume_cap, per_lot, minimum):
    """Execute orders at the reference price plus half spread and impact, up to a share of the volume.

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
    """Borrow fee of every short position at the last mark, micros, rounded up in the lender's favour."""
    for i in range(len(lots_n)):
        borrow_n[i] = 0
        if lots_n[i] < 0:
            borrow_n[i] = np.int64(math.ceil(np.float64(-lots_n[i] * mark_n[i]) * fee_rate))


@njit(**JIT)
def interest_nb(cash, rate, debit_rate):
    """Interest of one night in micros, rounded down; negative cash pays the rate plus the debit spread."""
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
    cash, lots_n, mark_n, mark_tn, div_start, div_asset, div_value, fee_t, rate_t, debit_t, borrow_tn, interest_t, cash_t
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


# --- sharing ----------------------------------------------------------------------------------------


@njit(**JIT)
def apportion_nb(total, weight, share):
    """Share a whole number in proportion to weights by largest remainder; ties go to the first.

    Needs total >= 0 and weights >= 0 with a positive sum (else everything is 0). Gives sum(share) = total.
    """
    whole = np.int64(0)
    n = len(weight)
    for j in range(n):
        whole += weight[j]
        share[j] = 0
    if whole <= 0:
        return
    left = total
    rest = np.empty(n, np.int64)
    for j in range(n):
        # total * weight may pass 2**63 for fees on large orders, so divide in two steps
        q = total // whole
        r = total - q * whole
        x = r * weight[j]
        share[j] = q * weight[j] + x // whole
        rest[j] = x % whole
        left -= share[j]
    while left > 0:
        best = 0
        for j in range(1, n):
            if rest[j] > rest[best]:
                best = j
        share[best] += 1
        rest[best] = -1
        left -= 1


@njit(**JIT)
def trades_by_asset_nb(key_s, lots_s, want_s, n_assets):
    """Slots that want to trade, grouped by asset: (offsets per asset, slot numbers)."""
    start = np.zeros(n_assets + 1, np.int64)
    for s in range(len(key_s)):
        if want_s[s] != lots_s[s]:
            start[key_s[s] % n_assets + 1] += 1
    for i in range(n_assets):
        start[i + 1] += start[i]
    slot = np.empty(start[n_assets], np.int64)
    at = start[:-1].copy()
    for s in range(len(key_s)):
        if want_s[s] != lots_s[s]:
            i = key_s[s] % n_assets
            slot[at[i]] = s
            at[i] += 1
    return start, slot


@njit(**JIT)
def share_asset_nb(slots, lots_s, want_s, reference, f0, f1, lots_f, fee_f, open_j, rows, n):
    """Cross one asset at the reference, then share the broker's fills f0..f1 to the longer side.

    `open_j` receives what each slot still wants after it; `rows` (slot, fill or -1, lots, fee) from
    row n on. Gives the new n, or -1 when the broker filled what nobody had ordered.
    """
    m = len(slots)
    buys = np.int64(0)
    sells = np.int64(0)
    for j in range(m):
        open_j[j] = want_s[slots[j]] - lots_s[slots[j]]
        if open_j[j] > 0:
            buys += open_j[j]
        else:
            sells -= open_j[j]
    side = 1 if buys >= sells else -1
    crossed = min(buys, sells) if reference > 0 else np.int64(0)
    weight = np.zeros(m, np.int64)
    share = np.zeros(m, np.int64)
    part = np.zeros(m, np.int64)
    if crossed > 0:
        for j in range(m):
            weight[j] = max(np.int64(0), side * open_j[j])
        apportion_nb(crossed, weight, share)
        for j in range(m):
            lots = side * share[j] if side * open_j[j] > 0 else open_j[j]
            if lots != 0:
                rows[n, 0] = slots[j]
                rows[n, 1] = -1
                rows[n, 2] = lots
                rows[n, 3] = 0
                n += 1
                open_j[j] -= lots
    for f in range(f0, f1):
        fill_side = 1 if lots_f[f] > 0 else -1
        left = np.int64(0)
        for j in range(m):
            weight[j] = max(np.int64(0), fill_side * open_j[j])
            left += weight[j]
        if abs(lots_f[f]) > left:
            return -1
        apportion_nb(abs(lots_f[f]), weight, share)
        apportion_nb(fee_f[f], share, part)
        for j in range(m):
            if share[j] > 0:
                rows[n, 0] = slots[j]
                rows[n, 1] = f
                rows[n, 2] = fill_side * share[j]
                rows[n, 3] = part[j]
                n += 1
                open_j[j] -= fill_side * share[j]
    return n


@njit(**JIT)
def share_nb(key_s, lots_s, want_s, n_assets, reference_n, asset_f, lots_f, fee_f):
    """Cross the pods' trades and share the broker's fills to them.

    Rule (mid-cross, pro rata): the smaller side crosses fully at the reference price, the larger side
    crosses its share of that; what is left of the larger side shares the fills in proportion to what
    each pod still wants. Whole lots by largest remainder, ties to the pod hired first.

    Needs fills in ascending asset order. Gives (rows, count): rows of slot, fill number (-1 = cross),
    lots, fee; count = -1 - asset when the broker filled more than was ordered.
    """
    start, slot = trades_by_asset_nb(key_s, lots_s, want_s, n_assets)
    most = len(slot)
    for f in range(len(asset_f)):
        i = asset_f[f]
        most += start[i + 1] - start[i]
    rows = np.empty((most, 4), np.int64)
    open_j = np.empty(len(slot), np.int64)
    n = 0
    f = 0
    for i in range(n_assets):
        f0 = f
        while f < len(asset_f) and asset_f[f] == i:
            f += 1
        a, b = start[i], start[i + 1]
        if a == b and f0 == f:
            continue
        n = share_asset_nb(slot[a:b], lots_s, want_s, reference_n[i], f0, f, lots_f, fee_f, open_j[a:b], rows, n)
        if n < 0:
            return rows, -1 - i
    return rows, n


@njit(**JIT)
def cost_split_nb(rows, n, key_s, n_assets, reference_n, price_f, sigma_n, adv_n, half_spread_bps, impact, per_lot, minimum):
    """What each slot's trades would have cost alone, and what netting saved against that.

    Gives (slot, commission, spread, impact, netting, reference) rows; costs are negative micros.
    """
    order = np.argsort(rows[:n, 0], kind="mergesort")
    out = np.empty((n, 6), np.int64)
    m = 0
    k = 0
    while k < n:
        s = rows[order[k], 0]
        i = key_s[s] % n_assets
        reference = reference_n[i]
        lots = np.int64(0)
        paid = np.int64(0)
        while k < n and rows[order[k], 0] == s:
            r = order[k]
            lots += rows[r, 2]
            if rows[r, 1] >= 0:
                price = price_f[rows[r, 1]]
                if reference <= 0:
                    reference = price
                paid += rows[r, 3] + rows[r, 2] * (price - reference)
            k += 1
        size = abs(lots)
        alone_commission = commission_nb(size, per_lot, minimum)
        alone_spread = size * spread_nb(reference, half_spread_bps)
        alone_impact = size * impact_nb(reference, size, sigma_n[i], adv_n[i], impact)
        out[m, 0] = s
        out[m, 1] = -alone_commission
        out[m, 2] = -alone_spread
        out[m, 3] = -alone_impact
        out[m, 4] = alone_commission + alone_spread + alone_impact - paid
        out[m, 5] = reference
        m += 1
    return out[:m]


# --- booking ----------------------------------------------------------------------------------------


@njit(**JIT)
def find_nb(key_s, key):
    """Slot of a key, or -1."""
    a = np.searchsorted(key_s, key)
    if a < len(key_s) and key_s[a] == key:
        return a
    return -1


@njit(**JIT)
def post_nb(key_s, lots_s, cash_p, n_assets, pod_r, asset_r, lots_r, price_r, fee_r):
    """Book fills into lots and cash. Gives -1, or the number of the row without a slot."""
    for r in range(len(pod_r)):
        s = find_nb(key_s, pod_r[r] * n_assets + asset_r[r])
        if s < 0:
            return r
        lots_s[s] += lots_r[r]
        cash_p[pod_r[r]] -= lots_r[r] * price_r[r] + fee_r[r]
    return -1


@njit(**JIT)
def merge_nb(key_s, lots_s, want_s, key_w, want_w):
    """Write new wants over the slots; new keys become slots, slots of nothing wanted and held vanish."""
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
        if lots[n] != 0 or want[n] != 0:
            n += 1
    return key[:n].copy(), lots[:n].copy(), want[:n].copy()


@njit(**JIT)
def value_nb(key_s, lots_s, n_assets, mark_n, value_p):
    """Holdings at the mark per pod, micros."""
    value_p[:] = 0
    for s in range(len(key_s)):
        value_p[key_s[s] // n_assets] += lots_s[s] * mark_n[key_s[s] % n_assets]


@njit(**JIT)
def grow_nb(profit_p, nominal_p, unit_p, peak_p, return_p):
    """Grow the pods' nominal unit values: U *= 1 + profit / nominal; nominal moves with the profit."""
    for p in range(len(profit_p)):
        return_p[p] = 0.0
        if nominal_p[p] > 0:
            return_p[p] = profit_p[p] / nominal_p[p]
            unit_p[p] *= 1.0 + return_p[p]
            unit_p[p] = max(unit_p[p], 0.0)
            nominal_p[p] = max(np.int64(0), nominal_p[p] + profit_p[p])
            peak_p[p] = max(peak_p[p], unit_p[p])


@njit(**JIT)
def accrue_nb(key_s, lots_s, n_assets, asset_e, value_e, borrow_n, short_n, dividend_s, borrow_s):
    """Dividends and borrow fees of the lots held overnight, per slot; short lots pay dividends.

    The fund's borrow fee of a name is shared to the pods short of it in proportion, rounded towards the
    pods; the centre keeps the rounding. `short_n` is the sum of short lots over pods.
    """
    for s in range(len(key_s)):
        i = key_s[s] % n_assets
        dividend_s[s] = 0
        borrow_s[s] = 0
        if lots_s[s] < 0 and borrow_n[i] > 0:
            borrow_s[s] = -((borrow_n[i] * -lots_s[s]) // short_n[i])
    for e in range(len(asset_e)):
        for s in range(len(key_s)):
            if key_s[s] % n_assets == asset_e[e]:
                dividend_s[s] += lots_s[s] * value_e[e]


@njit(**JIT)
def short_nb(key_s, lots_s, n_assets, short_n, net_n):
    """Short lots and net lots per asset over all pods."""
    short_n[:] = 0
    net_n[:] = 0
    for s in range(len(key_s)):
        i = key_s[s] % n_assets
        net_n[i] += lots_s[s]
        if lots_s[s] < 0:
            short_n[i] -= lots_s[s]


@njit(**JIT)
def quiet_nb(
    pod_start,
    asset_s,
    lots_s,
    mark_tn,
    div_start,
    div_asset,
    div_value,
    borrow_tn,
    short_n,
    interest_t,
    rate_t,
    debit_t,
    mark_n,
    cash_p,
    nav_p,
    nominal_p,
    unit_p,
    peak_p,
    trip_p,
    recover_p,
    fund,
    fund_f,
    fund_trip,
    nav_tp,
    unit_tp,
    nominal_tp,
    return_tp,
    part_tpk,
    centre_tk,
    fund_t,
    fund_return_t,
):
    """Advance up to D days on which nobody speaks, fills, splits or leaves; stop where a limit may act.

    Rows of the (D, ..) arrays are the days after the book's. `fund` = [reserve, nav], `fund_f` = [unit,
    peak]; they and the pod arrays are updated in place. part_tpk columns: price, dividend, borrow,
    interest; centre_tk: dividend, borrow, interest. The last day's marks are left in `mark_n`.
    Gives the number of days done, and whether a limit may act on the last of them.
    """
    days, n_assets = mark_tn.shape
    pods = len(nav_p)
    profit_p = np.zeros(pods, np.int64)
    div_n = np.zeros(n_assets, np.int64)
    for t in range(days):
        d0, d1 = div_start[t], div_start[t + 1]
        for d in range(d0, d1):
            div_n[div_asset[d]] += div_value[d]
        pods_interest = np.int64(0)
        pods_borrow = np.int64(0)
        fund_borrow = np.int64(0)
        for i in range(borrow_tn.shape[1]):
            fund_borrow += borrow_tn[t, i]
        lends = fund_borrow > 0
        total = np.int64(0)
        for p in range(pods):
            price = np.int64(0)
            dividend = np.int64(0)
            borrow = np.int64(0)
            a, b = pod_start[p], pod_start[p + 1]
            for s in range(a, b):
                i = asset_s[s]
                price += lots_s[s] * (mark_tn[t, i] - mark_n[i])
            if d1 > d0:
                for s in range(a, b):
                    dividend += lots_s[s] * div_n[asset_s[s]]
            if lends:
                for s in range(a, b):
                    i = asset_s[s]
                    if lots_s[s] < 0 and borrow_tn[t, i] > 0:
                        borrow -= (borrow_tn[t, i] * -lots_s[s]) // short_n[i]
            interest = interest_nb(cash_p[p], rate_t[t], debit_t[t])
            cash_p[p] += dividend + borrow + interest
            pods_interest += interest
            pods_borrow += borrow
            profit_p[p] = price + dividend + borrow + interest
            nav_p[p] += profit_p[p]
            total += nav_p[p]
            part_tpk[t, p, 0] = price
            part_tpk[t, p, 1] = dividend
            part_tpk[t, p, 2] = borrow
            part_tpk[t, p, 3] = interest
        grow_nb(profit_p, nominal_p, unit_p, peak_p, return_tp[t])
        centre_tk[t, 0] = 0
        centre_tk[t, 1] = -fund_borrow - pods_borrow
        centre_tk[t, 2] = interest_t[t] - pods_interest
        fund[0] += centre_tk[t, 1] + centre_tk[t, 2]
        total += fund[0]
        gain = np.float64(total - fund[1]) / np.float64(fund[1])
        fund_return_t[t] = gain
        fund_f[0] *= 1.0 + gain
        fund_f[1] = max(fund_f[1], fund_f[0])
        fund[1] = total
        for d in range(d0, d1):
            div_n[div_asset[d]] = 0
        for i in range(n_assets):
            mark_n[i] = mark_tn[t, i]
        stop = 1.0 - fund_f[0] / fund_f[1] >= fund_trip - 1e-12
        for p in range(pods):
            nav_tp[t, p] = nav_p[p]
            unit_tp[t, p] = unit_p[p]
            nominal_tp[t, p] = nominal_p[p]
            if 1.0 - unit_p[p] / peak_p[p] >= trip_p[p] - 1e-12:
                stop = True
            if recover_p[p] and unit_p[p] >= peak_p[p]:
                stop = True
        fund_t[t, 0] = fund[0]
        fund_t[t, 1] = fund[1]
        if stop:
            return t + 1, True
    return days, False


# --- deciding ---------------------------------------------------------------------------------------


@njit(**JIT)
def volatility_nb(asset, weight, n, returns_nt, rows, assumed):
    """Ex-ante volatility a year of weights: standard deviation of their trailing daily returns * sqrt(252).

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
        if weight[j] > 0:
            longs += weight[j]
        else:
            shorts -= weight[j]
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
    want_s,
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

    caps = [position, sector, gross, net, volatility]; lots are cut towards zero, so a cap that holds for
    weights holds for lots. A name without a price today keeps its lots. Gives (keys, wants) of every
    name that a sized pod wishes or holds, ascending.
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
        shrink_nb(asset, weight, n, sector_n, sectors, caps[0], caps[1], min(caps[2], gross_p[p]), caps[3])
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
def cap_nb(key_s, want_s, n_assets, mark_n, limit):
    """Scale the longer side of every name whose net wanted value passes `limit` micros; in place.

    Gives the number of names that were capped.
    """
    longs = np.zeros(n_assets, np.int64)
    shorts = np.zeros(n_assets, np.int64)
    for s in range(len(key_s)):
        i = key_s[s] % n_assets
        if want_s[s] > 0:
            longs[i] += want_s[s]
        else:
            shorts[i] -= want_s[s]
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
        for s in range(len(key_s)):
            i = key_s[s] % n_assets
            if room[i] >= 0:
                side = longs[i] if want_s[s] > 0 else shorts[i]
                if side == max(longs[i], shorts[i]) and side > room[i]:
                    kept = abs(want_s[s]) * room[i] // side
                    want_s[s] = kept if want_s[s] > 0 else -kept
    return capped


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
    """Id of an order: a bijection of (cycle, asset, side) keyed by the fund, so ids cannot collide."""
    x = np.uint64((cycle << 24) | (asset << 1) | side) ^ np.uint64(seed)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64(x ^ (x >> np.uint64(31)))


@njit(**JIT)
def net_nb(key_s, lots_s, want_s, n_assets, seed, cycle):
    """Net all pods' trades into one order a name. Gives (ids, assets, lots)."""
    net = np.zeros(n_assets, np.int64)
    for s in range(len(key_s)):
        net[key_s[s] % n_assets] += want_s[s] - lots_s[s]
    n = 0
    for i in range(n_assets):
        if net[i] != 0:
            n += 1
    ids = np.empty(n, np.int64)
    asset = np.empty(n, np.int64)
    lots = np.empty(n, np.int64)
    n = 0
    for i in range(n_assets):
        if net[i] != 0:
            ids[n] = order_id_nb(seed, cycle, i, 1 if net[i] > 0 else 0)
            asset[n] = i
            lots[n] = net[i]
            n += 1
    return ids, asset, lots
