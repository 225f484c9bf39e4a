"""The momentum strategy as a zipline algorithm; run by zipline's own Python, one line of JSON out.

    python momentum_algorithm.py STORE BUNDLE COMMISSION_PER_LOT HALF_SPREAD_BPS INDEX

1 at the close of each month's first session, score = ROC(252) - ROC(21) of 253 closes
2 hold the 20 best in equal weights, as whole lots: weight x capital / close, cut towards zero
3 orders fill at the next session's open, plus or minus the half spread; in a name that splits on
  that session they wait for the one after, as podshop's do

INDEX says what the closes are: "zipline" takes `data.history`, adjusted as zipline adjusts;
"forward" compounds raw closes, splits and dividends forward, as podshop does.
"""

import json
import sys

import numpy as np
import pandas as pd
from zipline.api import (
    date_rules,
    get_datetime,
    order_target,
    schedule_function,
    set_commission,
    set_slippage,
)
from zipline.finance.commission import PerShare
from zipline.finance.slippage import SlippageModel

from podshop.adapters.bundles import zipline as bundle
from zipline import run_algorithm

STORE, BUNDLE, COMMISSION, HALF_SPREAD, INDEX = sys.argv[1:]
FIRST, LAST = pd.Timestamp("2005-01-03"), pd.Timestamp("2010-12-31")
SLOW, FAST, NAMES = 252, 21, 20
WEIGHT = np.trunc(2**20 / NAMES) / 2**20
"""One of 20 equal weights, cut to the grain of podshop's wishes (2**-20)."""


class AtTheOpen(SlippageModel):
    """Fill whole orders at the open plus or minus half a spread; not on the day of a split."""

    def __init__(self, splits):
        super().__init__()
        self.splits = splits
        self.waited = []

    def process_order(self, data, order):
        """Price and lots of a fill."""
        day = get_datetime().strftime("%Y-%m-%d")
        if (order.asset.sid, day) in self.splits:
            self.waited.append([day, order.asset.symbol])
            return None, None
        side = 1 if order.amount > 0 else -1
        price = data.current(order.asset, "open")
        return price * (1 + side * float(HALF_SPREAD) * 1e-4), order.amount


def table(name):
    """A table of the bundle as podshop wrote it, dates as timestamps."""
    frame = pd.read_parquet(f"{STORE}/bundles/{BUNDLE}/{name}.parquet")
    return frame.assign(date=pd.to_datetime(frame["date"])) if "date" in frame else frame


def forward_index(names):
    """(T, N) closes compounded forward: (close + dividend) x split / last close."""
    close = table("bars").pivot(index="date", columns="sid", values="close")
    split = table("splits").pivot(index="date", columns="sid", values="ratio")
    paid = table("dividends").pivot(index="date", columns="sid", values="amount")
    # The bundle has dividends per lot before that day's split, and the inverse of the ratio.
    ratio = 1.0 / split.reindex_like(close).fillna(1.0)
    paid = paid.reindex_like(close).fillna(0.0)
    growth = (close * ratio + paid) / close.ffill().shift()
    index = growth.fillna(1.0).cumprod().where(close.ffill().notna())
    return index.rename(columns=names)


def initialize(context):
    """Costs, fills, schedule and universe."""
    finder = context.asset_finder
    assets = sorted(finder.retrieve_all(finder.sids), key=lambda asset: asset.symbol)
    context.assets = assets
    context.index = forward_index({a.sid: a for a in assets}) if INDEX == "forward" else None
    context.picks = {}
    set_commission(PerShare(cost=float(COMMISSION), min_trade_cost=0.0))
    splits = table("splits")
    splits_on = zip(splits["sid"], splits["date"].dt.strftime("%Y-%m-%d"), strict=True)
    context.fills = AtTheOpen(set(splits_on))
    set_slippage(context.fills)
    schedule_function(rebalance, date_rules.month_start())


def closes(context, data):
    """(253, N) adjusted closes up to today."""
    if context.index is None:
        return data.history(context.assets, "close", SLOW + 1, "1d")[context.assets]
    return context.index.loc[: get_datetime().tz_localize(None).normalize()].iloc[-SLOW - 1 :][
        context.assets
    ]


def rebalance(context, data):
    """Order what brings the book to the wishes."""
    history = closes(context, data).to_numpy()
    now = history[-1]
    score = now / history[0] - now / history[-1 - FAST]
    today = data.current(context.assets, "close")
    score[today.isna().to_numpy()] = np.nan
    best = np.argsort(-score, kind="stable")[:NAMES]  # NaN comes last; the first of equals wins
    wanted = [context.assets[i] for i in best]
    capital = context.portfolio.portfolio_value
    context.picks[get_datetime().strftime("%Y-%m-%d")] = sorted(a.symbol for a in wanted)
    for asset in sorted(set(context.portfolio.positions) - set(wanted)):
        order_target(asset, 0)
    for asset in wanted:
        order_target(asset, int(WEIGHT * capital / today[asset]))


def analyze(context, perf):
    """Keep what was chosen, and which orders waited."""
    perf.attrs.update(picks=context.picks, waited=context.fills.waited)


def told(run):
    """What happened, as plain values."""
    trades = [
        [t["dt"].strftime("%Y-%m-%d"), t["sid"].symbol, int(t["amount"]), t["price"]]
        for day in run["transactions"]
        for t in day
    ]
    nav = dict(zip(run.index.strftime("%Y-%m-%d"), run["portfolio_value"], strict=True))
    return {"trades": trades, "nav": nav, **run.attrs}


if __name__ == "__main__":
    bundle.ingest(STORE, BUNDLE)
    days = pd.date_range(FIRST, LAST, tz="UTC")
    run = run_algorithm(
        start=FIRST,
        end=LAST,
        initialize=initialize,
        analyze=analyze,
        capital_base=1e6,
        bundle=BUNDLE,
        benchmark_returns=pd.Series(0.0, index=days),
    )
    print(json.dumps(told(run)))
