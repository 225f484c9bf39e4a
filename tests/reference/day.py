"""The day once more, slowly: dicts and Python ints, written from the rules and not from the kernel.

Where the rules define a float (unit values, weights, volatility, cost rates) it is computed in the
order in which the rules state it; everything else is whole micros and whole lots. `Twin` reads the
raw prices of a panel and a recipe, and uses nothing of `podshop` below them.

The morning: splits, dividends, borrow fees, interest, flows, leavings, crosses and fills. The
evening: marks, unit values, the ladder, capital, sizes, caps, orders.
"""

import datetime as dt
import math
from collections import defaultdict
from typing import Any

from tests.funds import Fund
from tests.reference.book import (
    ACTIVE,
    CLOSED,
    CLOSING,
    CUT,
    PodBook,
    apportion,
    close_only,
    mix,
    put,
)
from tests.reference.capital import shares
from tests.reference.tables import M, after_split, first_of, read, speech, toward_zero

CENTRE = -1
CASH = -1
TINY = 1e-12


class Twin:
    """A fund, its broker, and everything that was reported, day by day."""

    def __init__(self, fund: Fund) -> None:
        self.recipe, self.costs, self.rules = fund.recipe, fund.recipe.costs, fund.rules
        self.tables = read(fund)
        self.spoken = speech(fund)
        self.pods = [PodBook() for _ in fund.rules.pods]
        self.n = len(fund.panel.assets)
        self.mark = [0] * self.n
        self.rate = 0.0
        self.reserve = self.nav = fund.rules.capital
        self.risk = self.high = fund.rules.capital
        self.skim, self.owners = 0, list[int]()
        self.unit = self.peak = 1.0
        self.halted, self.cycle = False, -1
        self.broker_cash = self.evening = fund.rules.capital
        self.broker_lots: dict[int, int] = defaultdict(int)
        self.orders: list[tuple[int, int, int]] = []
        self.fills: list[tuple[Any, ...]] = []
        self.parts: dict[tuple[int, int, str], int] = defaultdict(int)

    # --- the morning ------------------------------------------------------------------------------

    def settle(self, t: int) -> None:
        """Everything that reaches the books until the close of row t."""
        self.cycle += 1
        self.fills = []
        self.parts = defaultdict(int)
        start = self.worth()
        for asset, ratio in self.tables.split[t].items():
            self.split(asset, ratio)
        self.night(t)
        moves = self.flows(t)
        for asset in self.tables.gone[t]:
            self.leave(asset)
        self.revalue(t)
        for asset in range(self.n):
            self.trade(t, asset)
        self.mark = list(self.tables.mark[t])
        for key, value in self.worth().items():
            self.parts[*key, "price"] += value - start.get(key, 0)
        for key in start.keys() - self.worth().keys():
            self.parts[*key, "price"] -= start[key]
        self.close(moves)

    def revalue(self, t: int) -> None:
        """Where capital changed at the last close, the way to the trade's price is on the old."""
        for pod in self.pods:
            if 0 < pod.borne != pod.nominal and pod.status < CLOSED:
                prices = {i: self.tables.price[t][i] or self.mark[i] for i in pod.lots}
                gain = pod.cash + sum(x * prices[i] for i, x in pod.lots.items()) - pod.nav
                pod.night = gain / pod.borne
                pod.unit = max(0.0, pod.unit * (1.0 + pod.night))
                pod.nav += gain
                pod.nominal = max(0, pod.nominal + gain) if pod.nominal else 0
                pod.borne = max(pod.borne, pod.nominal)

    def worth(self) -> dict[tuple[int, int], int]:
        """Holdings at the mark."""
        held = ((p, i, x) for p, pod in enumerate(self.pods) for i, x in pod.lots.items())
        return {(p, i): lots * self.mark[i] for p, i, lots in held}

    def pay(self, pod: int, asset: int, part: str, amount: int) -> None:
        """Cash to a pod or the centre, explained."""
        if pod == CENTRE:
            self.reserve += amount
        else:
            self.pods[pod].cash += amount
        self.parts[pod, asset, part] += amount

    def split(self, asset: int, ratio: int) -> None:
        """New lots for old: the account gets whole lots and cash, the pods share both exactly."""
        mark = self.mark[asset] = after_split(self.mark[asset], ratio)
        exact = self.broker_lots[asset] * ratio
        whole = toward_zero(exact)
        in_lieu = (exact - whole * M) * mark // M
        self.broker_lots[asset], self.broker_cash = whole, self.broker_cash + in_lieu
        mine = [p for p, pod in enumerate(self.pods) if asset in pod.lots or asset in pod.want]
        if not mine:
            return
        parts = [self.pods[p].lots.get(asset, 0) * ratio for p in mine]
        lots = [x // M for x in parts]
        for j in sorted(range(len(mine)), key=lambda j: -(parts[j] % M))[: whole - sum(lots)]:
            lots[j] += 1
        for j, p in enumerate(mine):
            pod = self.pods[p]
            held, want = pod.lots.get(asset, 0), pod.want.get(asset, 0)
            put(pod.lots, asset, lots[j])
            if want == held:
                want = lots[j]
            elif want:
                want = lots[j] + toward_zero((want - held) * ratio)
            put(pod.want, asset, want)
            cash = (parts[j] - lots[j] * M) * mark // M
            self.pay(p, asset, "price", cash)
            in_lieu -= cash
        self.pay(CENTRE, asset, "price", in_lieu)

    def night(self, t: int) -> None:
        """Dividends, borrow fees and interest of the account, shared; the rest is the centre's."""
        rate, years = self.tables.rate[t], self.tables.years[t]
        self.rate = rate
        debit = rate + years * (self.costs.debit_spread_bps_year * 1e-4)
        borrow = years * (self.costs.borrow_bps_year * 1e-4)

        def interest(cash: int) -> int:
            return math.floor(cash * (rate if cash >= 0 else debit))

        held = ((i, x) for i, x in self.broker_lots.items() if x)
        self.evening = self.broker_cash + sum(x * self.mark[i] for i, x in held)
        earned = interest(self.broker_cash)
        rest = earned - sum(interest(pod.cash) for pod in self.pods)
        for p, pod in enumerate(self.pods):
            self.pay(p, CASH, "interest", interest(pod.cash))
        self.pay(CENTRE, CASH, "interest", rest)
        self.broker_cash += earned
        for asset, lots in self.broker_lots.items():
            dividend = self.tables.dividend[t].get(asset, 0)
            fee = math.ceil(float(-lots * self.mark[asset]) * borrow) if lots < 0 else 0
            self.broker_cash += lots * dividend - fee
            shorts = -sum(min(0, pod.lots.get(asset, 0)) for pod in self.pods)
            for p, pod in enumerate(self.pods):
                mine = pod.lots.get(asset, 0)
                self.pay(p, asset, "dividend", mine * dividend)
                if mine < 0:
                    self.pay(p, asset, "borrow", -(fee * -mine // shorts))
            charged = sum(self.parts[p, asset, "borrow"] for p in range(len(self.pods)))
            self.pay(CENTRE, asset, "borrow", -fee - charged)

    def management_fee(self, t: int) -> None:
        """A twelfth of the year's fee on what everything was worth at the last close."""
        days, share = self.tables.days, self.costs.management_fee / 12.0
        if not share or t == self.recipe.start or days[t].month == days[t - 1].month:
            return
        fee = math.floor(max(0, self.evening) * share)
        rest = -fee
        for p, pod in enumerate(self.pods):
            mine = math.floor(max(0, pod.nav) * share) if fee else 0
            self.pay(p, CASH, "fee", -mine)
            rest += mine
        self.pay(CENTRE, CASH, "fee", rest)
        self.broker_cash -= fee

    def flows(self, t: int) -> int:
        """The owner's money and the broker's bills; gives what of it is neither gain nor loss."""
        before = self.tables.days[t - 1] if t > self.recipe.start else dt.date.min
        moved, self.owners = 0, []
        self.management_fee(t)
        for row, kind, amount in self.recipe.flows:
            if before < self.tables.days[row] <= self.tables.days[t]:
                self.pay(CENTRE, CASH, "fee" if kind == "fee" else "flow", amount * M)
                self.broker_cash += amount * M
                if kind != "fee":
                    moved += amount * M
                    self.owners.append(amount * M)
        return moved

    def book(self, p: int, asset: int, lots: int, price: int, fee: int, kind: str, by: int) -> None:
        """Lots to a pod against cash."""
        pod = self.pods[p]
        put(pod.lots, asset, pod.lots.get(asset, 0) + lots)
        pod.cash -= lots * price + fee
        self.fills.append((p, asset, lots, price, fee, kind, by))

    def leave(self, asset: int) -> None:
        """A name leaves: out at the last mark, nothing wanted."""
        for p, pod in enumerate(self.pods):
            pod.want.pop(asset, None)
            if lots := pod.lots.get(asset, 0):
                self.book(p, asset, -lots, self.mark[asset], 0, "forced", 0)
                self.parts[p, asset, "price"] += lots * self.mark[asset]
        self.broker_cash += self.broker_lots[asset] * self.mark[asset]
        self.broker_lots[asset] = 0

    def trade(self, t: int, asset: int) -> None:
        """Cross the pods at the reference, then share what the market gives for the rest."""
        price = self.tables.price[t][asset]
        first = len(self.fills)
        buys = [(p, x) for p, pod in enumerate(self.pods) if (x := pod.open(asset)) > 0]
        sells = [(p, x) for p, pod in enumerate(self.pods) if (x := pod.open(asset)) < 0]
        few, many = sorted((sells, buys), key=lambda side: abs(sum(x for _, x in side)))
        crossed = abs(sum(x for _, x in few)) if price else 0
        if crossed:
            sign = -1 if many is sells else 1
            part = apportion(crossed, [abs(x) for _, x in many])
            mine = dict(few) | {p: sign * x for (p, _), x in zip(many, part, strict=True)}
            for p in sorted(mine):
                if mine[p]:
                    self.book(p, asset, mine[p], price, 0, "cross", 0)
        for order, name, lots in self.orders:
            if name == asset and price and asset not in self.tables.split[t]:
                self.execute(t, order, asset, lots)
        self.judge(t, asset, self.fills[first:])

    def execute(self, t: int, order: int, asset: int, lots: int) -> None:
        """One order at the broker, and its fill in the pods that still want it."""
        volume = self.tables.volume[t][asset]
        size = abs(lots)
        if volume is not None:
            size = min(size, math.floor(self.costs.volume_cap * volume))
        if size == 0:
            return
        sign = 1 if lots > 0 else -1
        spread, impact = self.slip(t, asset, size)
        price = max(1, self.tables.price[t][asset] + sign * (spread + impact))
        fee = self.commission(size)
        self.broker_cash -= sign * size * price + fee
        self.broker_lots[asset] += sign * size
        open_ = [max(0, sign * pod.open(asset)) for pod in self.pods]
        share = apportion(size, open_)
        fees = apportion(fee, share)
        for p, mine in enumerate(share):
            if mine:
                self.book(p, asset, sign * mine, price, fees[p], "market", order)

    def commission(self, size: int) -> int:
        """The broker's charge for an order."""
        least = self.costs.commission_min_micros
        return max(least, size * self.costs.commission_micros_per_lot) if size else 0

    def slip(self, t: int, asset: int, size: int) -> tuple[int, int]:
        """Half spread and square-root impact of one lot at today's reference price, micros."""
        price, window = self.tables.price[t][asset], range(max(0, t - self.costs.impact_days), t)
        sigma, count = self.costs.volatility_assumed, len(window)
        total = square = traded = 0.0
        for u in window:
            total += self.tables.ret[u][asset]
            square += self.tables.ret[u][asset] * self.tables.ret[u][asset]
        if count >= 5 and (variance := (square - total * total / count) / (count - 1)) > 0.0:
            sigma = math.sqrt(variance)
        volumes = [v for u in window if (v := self.tables.volume[u][asset]) is not None]
        traded = float(sum(volumes))
        mark = self.tables.mark[t - 1][asset] if t else 0
        adv = 1.0
        if volumes:
            adv = max(1.0, traded / len(volumes))
        elif mark:
            adv = max(1.0, float(self.costs.adv_assumed_micros) / mark)
        spread = math.floor(price * self.costs.half_spread_bps * 1e-4 + 0.5)
        impact = price * self.costs.impact * sigma * math.sqrt(size / adv)
        return spread, math.floor(impact + 0.5)

    def judge(self, t: int, asset: int, fills: list[tuple[Any, ...]]) -> None:
        """What each pod's lots would have cost alone; netting is what it paid less."""
        reference = self.tables.price[t][asset]
        for p in {fill[0] for fill in fills}:
            mine = [fill for fill in fills if fill[0] == p]
            size = abs(sum(fill[2] for fill in mine))
            spread, impact = self.slip(t, asset, size)
            alone = (self.commission(size), size * spread, size * impact)
            paid = sum(fill[4] + fill[2] * (fill[3] - reference) for fill in mine)
            for part, cost in zip(("commission", "spread", "impact"), alone, strict=True):
                self.parts[p, asset, part] -= cost
            self.parts[p, asset, "netting"] += sum(alone) - paid
            self.parts[p, asset, "price"] -= sum(fill[2] for fill in mine) * reference

    def close(self, moved: int) -> None:
        """Unit values from the day's profit; peaks; the account must be the sum of the books."""
        for pod in self.pods:
            nav = pod.cash + sum(lots * self.mark[i] for i, lots in pod.lots.items())
            gain = 0.0
            if capital := pod.borne or pod.nominal:
                gain = (nav - pod.nav) / capital
                pod.unit = max(0.0, pod.unit * (1.0 + gain))
                pod.peak = max(pod.peak, pod.unit)
            if pod.nominal > 0:
                pod.nominal = max(0, pod.nominal + nav - pod.nav)
            if pod.night:
                gain = (1.0 + pod.night) * (1.0 + gain) - 1.0
            pod.night, pod.borne = 0.0, pod.nominal
            pod.returns.append(gain - self.rate)
            pod.nav = nav
        nav, before = self.reserve + sum(pod.nav for pod in self.pods), self.nav + moved
        self.unit *= 1.0 + (float(nav - before) / float(before) if before else 0.0)
        self.peak, self.nav = max(self.peak, self.unit), nav
        if self.rules.keep != 1.0:
            self.compound(nav - before)
        for asset in range(self.n):
            ours = sum(pod.lots.get(asset, 0) for pod in self.pods)
            assert ours == self.broker_lots[asset], f"asset {asset}"
        assert self.broker_cash == self.reserve + sum(pod.cash for pod in self.pods)

    def compound(self, profit: int) -> None:
        """What stays at risk: flows first, then the day's profit; nothing appears or is lost."""
        for flow in self.owners:
            taken = max(0, min(-flow, self.skim))
            self.skim, old = self.skim - taken, self.risk
            self.risk += flow + taken
            self.high = max(self.risk, self.high * self.risk // old) if old > 0 else self.risk
        keep, raw = self.rules.keep, self.risk + profit
        if keep is None:
            self.skim += profit
        elif raw > self.high:
            self.risk = self.high + int((raw - self.high) * keep)
            self.skim, self.high = self.skim + raw - self.risk, self.risk
        else:
            self.risk, self.skim = max(raw, 0), self.skim + min(raw, 0)
        assert self.risk + self.skim == self.nav

    def base(self) -> int:
        """What is shared out."""
        return max(0, min(self.nav, self.risk)) if self.rules.keep != 1.0 else self.nav

    # --- the evening ------------------------------------------------------------------------------

    def decide(self, t: int) -> None:
        """The ladder, capital on schedule, sizes, orders."""
        sized = self.ladder()
        speaks, wishes = self.spoken[t]
        sized |= {p for p, says in enumerate(speaks) if says}
        if first_of(self.recipe.schedule, self.tables.days, self.recipe.start, t):
            sized = set(range(len(self.pods)))
            if not self.halted:
                self.allocate()
        sized -= {p for p, pod in enumerate(self.pods) if pod.status == CLOSED}
        if self.halted and self.recipe.on_halt == "flatten":
            for pod in self.pods:
                pod.want = {}
        elif sized:
            for p in sorted(sized):
                self.size(t, self.pods[p], wishes[p])
        if self.halted:
            for pod in self.pods:
                close_only(pod)
        if sized:
            self.bring_in(sized)
        self.net()

    def bring_in(self, sized: set[int]) -> None:
        """The cap on names and the pods' net caps in turns, until neither takes anything away."""
        first = [dict(pod.want) for pod in self.pods]
        while True:
            self.cap()
            touched = sized | {p for p, pod in enumerate(self.pods) if pod.want != first[p]}
            if not [p for p in sorted(touched) if self.lopsided(self.pods[p])]:
                return

    def lopsided(self, pod: PodBook) -> bool:
        """Shrink the longer side of a pod to its net cap; True where there was something to do."""
        if math.isinf(self.recipe.net):
            return False
        base = math.floor(pod.nominal * pod.keep) if pod.status < CLOSING else 0
        values = {i: x * self.mark[i] for i, x in pod.want.items()}
        longs = sum(v for v in values.values() if v > 0)
        shorts = -sum(v for v in values.values() if v < 0)
        most = int(self.recipe.net * base)
        if abs(longs - shorts) <= most:
            return False
        sign, side = (1, longs) if longs > shorts else (-1, shorts)
        room = most + min(longs, shorts)
        longer = {i: abs(x) for i, x in sorted(pod.want.items()) if sign * x > 0}
        kept = {i: x * room // side for i, x in longer.items()}
        left = room - sum(x * self.mark[i] for i, x in kept.items())
        for i, x in longer.items():
            if kept[i] < x and self.mark[i] <= left:
                kept[i], left = kept[i] + 1, left - self.mark[i]
        for i, x in kept.items():
            put(pod.want, i, sign * x)
        return True

    def move(self, p: int, amount: int) -> None:
        """Capital from a pod to the centre; nobody gains or loses."""
        self.pods[p].nav -= amount
        self.pay(p, CASH, "transfer", -amount)
        self.pay(CENTRE, CASH, "transfer", amount)

    def ladder(self) -> set[int]:
        """Rungs that are reached, cuts that are over, pods that are flat; gives who moved."""
        if self.recipe.stop and 1.0 - self.unit / self.peak >= self.recipe.stop - TINY:
            self.halted = True
        moved: set[int] = set()
        steps = self.recipe.ladder
        rungs = (
            []
            if steps is None
            else [
                (steps.trim_at, steps.trim_to),
                (steps.halve_at, steps.halve_to),
                (steps.terminate_at, 0.0),
            ]
        )
        rungs = [rung for rung in rungs if rung[0]]
        for p, pod in enumerate(self.pods):
            reached = sum(1.0 - pod.unit / pod.peak >= at - TINY for at, _ in rungs)
            if pod.status < CLOSING and reached > pod.rung:
                ends = steps is not None and rungs[reached - 1][0] == steps.terminate_at
                pod.keep, pod.rung = min(pod.keep, rungs[reached - 1][1]), reached
                pod.status = CLOSING if ends else CUT
                if not ends:
                    self.move(p, max(0, pod.nav - math.floor(pod.nominal * pod.keep)))
                moved.add(p)
        spare = self.reserve - (max(0, self.skim) if self.rules.keep != 1.0 else 0)
        left = max(0, spare - math.floor(self.base() * self.recipe.cash))
        for p, pod in enumerate(self.pods):
            over = pod.rung > 0 and pod.status < CLOSING and pod.unit >= pod.peak and rungs
            if over and self.recipe.restore == "peak":
                missing = max(0, pod.nominal - pod.nav)
                given = min(missing, left)
                left -= given
                self.move(p, -given)
                if given < missing:
                    pod.nominal = pod.nav
                pod.keep, pod.rung, pod.status = 1.0, 0, ACTIVE
                moved.add(p)
        for p, pod in enumerate(self.pods):
            if pod.status == CLOSING and not pod.names:
                self.move(p, pod.cash)
                pod.nominal, pod.status = 0, CLOSED
        return moved

    def allocate(self) -> None:
        """Shares of the risk capital become nominal; each pod is brought to keep x nominal."""
        share = shares(self.recipe, self.pods, self.base())
        for p, pod in enumerate(self.pods):
            if pod.status < CLOSING:
                pod.nominal = math.floor(share[p] * self.base())
                self.move(p, pod.nav - math.floor(pod.nominal * pod.keep))

    def size(self, t: int, pod: PodBook, wish: dict[int, float]) -> None:
        """Wishes into wanted lots; a name without a price today keeps what is held."""
        weight = self.shrink(wish)
        scale = self.calm(t, weight)
        for asset in sorted(set(pod.names) | set(weight)):
            target = 0
            if asset in weight and self.mark[asset]:
                target = int(weight[asset] * scale * pod.base / self.mark[asset])
            if not self.tables.traded[t][asset] and pod.base:
                target = pod.lots.get(asset, 0)
            put(pod.want, asset, target)

    def shrink(self, wish: dict[int, float]) -> dict[int, float]:
        """Name, then sector and side, then net, then gross."""
        r = self.recipe
        w = {i: min(max(x, -r.position), r.position) for i, x in wish.items()}
        used: dict[tuple[str, bool], float] = defaultdict(float)
        for i, x in w.items():
            used[self.tables.sector[i], x > 0] += abs(x)
        for i, x in w.items():
            if (total := used[self.tables.sector[i], x > 0]) > r.sector:
                w[i] = x * (r.sector / total)
        longs, shorts = 0.0, 0.0
        for x in w.values():
            longs, shorts = (longs + x, shorts) if x > 0 else (longs, shorts - x)
        up = (r.net + shorts) / longs if longs - shorts > r.net else 1.0
        down = (r.net + longs) / shorts if shorts - longs > r.net else 1.0
        gross = min(r.gross_cap, self.rules.pods[0].gross)
        total = longs * up + shorts * down
        scale = gross / total if total > gross else 1.0
        return {i: x * (scale * (up if x > 0 else down)) for i, x in w.items()}

    def calm(self, t: int, weight: dict[int, float]) -> float:
        """The factor that brings the trailing volatility of these weights under its cap."""
        days = range(max(0, t + 1 - self.recipe.vol_days), t + 1)
        if not weight or math.isinf(self.recipe.vol):
            return 1.0
        if len(days) < 20:
            gross = 0.0
            for x in weight.values():
                gross += abs(x)
            vol = gross * self.costs.volatility_assumed * math.sqrt(252.0)
        else:
            path = []
            for u in days:
                gain = 0.0
                for i, x in weight.items():
                    gain += x * self.tables.ret[u][i]
                path.append(gain)
            mean = 0.0
            for x in path:
                mean += x
            mean /= len(path)
            square = 0.0
            for x in path:
                square += (x - mean) * (x - mean)
            vol = math.sqrt(square / (len(path) - 1) * 252.0)
        return self.recipe.vol / vol if vol > self.recipe.vol else 1.0

    def cap(self) -> None:
        """The fund's cap on one name: the longer side gives way in proportion, cut towards zero."""
        if math.isinf(self.recipe.ticker):
            return
        for asset in range(self.n):
            wants = {p: x for p, pod in enumerate(self.pods) if (x := pod.want.get(asset, 0))}
            longs = sum(x for x in wants.values() if x > 0)
            shorts = -sum(x for x in wants.values() if x < 0)
            most = int(self.recipe.ticker * self.nav) // self.mark[asset] if self.mark[asset] else 0
            if self.mark[asset] and abs(longs - shorts) > most:
                sign = 1 if longs > shorts else -1
                room = most + min(longs, shorts)
                longer = [(p, abs(x)) for p, x in wants.items() if sign * x > 0]
                kept = apportion(room, [x for _, x in longer])
                for (p, _), x in zip(longer, kept, strict=True):
                    put(self.pods[p].want, asset, sign * x)

    def net(self) -> None:
        """One order a name for what crossing leaves over."""
        seed, self.orders = self.rules.seed, []
        for asset in range(self.n):
            if lots := sum(pod.open(asset) for pod in self.pods):
                name = (self.cycle << 24 | asset << 1 | (lots > 0)) ^ seed
                self.orders.append((mix(name), asset, lots))
