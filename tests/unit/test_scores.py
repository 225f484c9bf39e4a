"""Scores of a store end as signals of its panel."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from podshop.adapters.sources import store as source
from podshop.adapters.stores.market import MarketStore
from podshop.data.scores import make_scores


def test_a_headline_after_the_close_is_a_signal_of_the_next_session(tmp_path: Path) -> None:
    days = [dt.date(2024, 1, d) for d in (2, 3, 4)]
    store = MarketStore(tmp_path)
    who = {"security_id": "S1", "symbol": "HAL"}
    bars = [{**who, "date": d, "close": 10.0} for d in days]
    late = dt.datetime(2024, 1, 3, 21, 1, tzinfo=dt.UTC)  # 16:01 in New York
    news = [{**who, "known_at": late, "title": "Halden beats estimates"}]
    with store.writing() as writer:
        writer.put("bars", pl.DataFrame(bars))
        writer.put(
            "news", pl.DataFrame(news, schema_overrides={"known_at": pl.Datetime("us", "UTC")})
        )
        writer.commit()
    with store.writing() as writer:
        writer.put("scores", make_scores(store))
        writer.commit()
    tone = source.load(tmp_path).signal("sentiment")[:, 0]
    assert np.isnan(tone[:2]).all()
    assert 0.0 < tone[2] < 1.0
