"""What is true in a simulated world and no store would tell."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from podshop.domain.error import ConfigError
from podshop.domain.money import F32, F64, Days
from podshop.simulator.alphas import Alpha, rank_ic, true_ic
from podshop.simulator.alternative import Doings, Signs
from podshop.simulator.faults import Fault
from podshop.simulator.lives import REASONS, SECTORS, Lives
from podshop.simulator.news import Headlines, Press
from podshop.simulator.reporting import Quarters, Reporting
from podshop.simulator.returns import BLOCK, REGIMES, STYLES, Climate, Structure, Weather


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything that was planted.

    Attributes:
        days: (T,) sessions.
        lives: listings, ends, symbols.
        climate, weather: parameters of the market; its regimes, volatility and return.
        structure: returns of sectors and styles; beta, quality, specific volatility.
        loading_bkn: (B, 5, N) style loadings by block of 21 sessions.
        returns_tn: (T, N) total returns before prices are rounded.
        u_tn: (T, N) standardised specific returns.
        calm_tn: (T, N) share of its usual moves that a name makes.
        event_tn: (T, N) returns by events: news, earnings, insiders, short positions, ends.
        alphas, signals: what was planted in u, and the (T, N) signals.
        quarters, reporting: earnings with their surprises, and what these do.
        headlines, press: news with its tones, and what these do.
        doings, signs: insiders and short positions, and what these do.
        faults: bad ticks.
    """

    days: Days
    lives: Lives
    climate: Climate
    weather: Weather
    structure: Structure
    loading_bkn: F32
    returns_tn: F32
    u_tn: F32
    calm_tn: F32
    event_tn: F32
    alphas: tuple[Alpha, ...]
    signals: Mapping[str, F32]
    quarters: Quarters
    reporting: Reporting
    headlines: Headlines
    press: Press
    doings: Doings
    signs: Signs
    faults: tuple[Fault, ...]

    def with_faults(self, faults: tuple[Fault, ...]) -> "Truth":
        """The same truth with faults."""
        return replace(self, faults=faults)

    def specific_volatility(self) -> F32:
        """(T, N) specific volatility of each session, a fraction."""
        out: F32 = self.calm_tn * self.structure.volatility_n
        out *= self.structure.scale_t[:, None].astype(np.float32)
        return np.asarray(out)

    def volatility(self) -> F32:
        """(T, N) volatility of each session, of factors and specific returns together."""
        made = self.structure
        daily = np.square(self.weather.volatility_t[:, None]).astype(np.float32) / np.float32(252.0)
        common = np.square(made.beta_n) * daily
        common += np.float32(self.climate.sector_volatility_year**2 / 252.0)
        common *= np.square(self.calm_tn)
        common += np.square(self.specific_volatility())
        return np.asarray(np.sqrt(common), dtype=np.float32)

    def standardised(self) -> F32:
        """(T, N) what factors do not explain, over the name's daily volatility: u and events.

        Where a return was cut at -90 % and on sessions without one it is not what was earned.
        """
        out = self.event_tn / self.structure.volatility_n
        calm = self.structure.scale_t[:, None].astype(np.float32) * self.calm_tn
        out += calm * self.u_tn
        return out

    def true_ic(self, name: str, horizon: int = 1, row: int = 0) -> float:
        """Pearson IC of a signal; see `alphas.true_ic`."""
        return true_ic(name, self.alphas, horizon, row)

    def true_rank_ic(self, name: str) -> float:
        """Rank IC of a signal at horizon 1; see `alphas.rank_ic`."""
        return rank_ic(self.true_ic(name), self.climate.specific_freedom)

    def frames(self) -> dict[str, pl.DataFrame]:
        """The truth as tables: sessions, securities, loadings, alphas, signals, events, faults."""
        return {
            "sessions": self._sessions(),
            "securities": self._securities(),
            "loadings": self._loadings(),
            "alphas": self._alphas(),
            "signals": self._signals(),
            "surprises": self._surprises(),
            "tones": self._tones(),
            "insiders": self._insiders(),
            "shorts": self._shorts(),
            "faults": self._faults(),
        }

    def write(self, folder: Path) -> None:
        """Write the tables as Parquet files into a folder.

        Raises:
            ConfigError: the folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, frame in self.frames().items():
                frame.write_parquet(folder / f"{name}.parquet", compression="lz4")
        except OSError as error:
            raise ConfigError(f"{folder}: the truth cannot be written: {error}") from error

    def _sessions(self) -> pl.DataFrame:
        regimes = pl.Series("regime", REGIMES, dtype=pl.String)
        columns: dict[str, F64] = {
            "market": self.weather.market_t,
            "market_volatility_year": self.weather.volatility_t,
            "specific_scale": self.structure.scale_t,
        }
        columns |= {s: self.structure.sector_ts[:, i] for i, s in enumerate(SECTORS)}
        columns |= {s: self.structure.style_tk[:, k] for k, s in enumerate(STYLES)}
        regime = regimes.gather(self.weather.regime_t.astype(np.int64))
        return pl.DataFrame({"date": self.days, "regime": regime, **columns})

    def _securities(self) -> pl.DataFrame:
        lives = self.lives
        return pl.DataFrame(
            {
                "security_id": lives.ids,
                "beta": self.structure.beta_n,
                "quality": self.structure.quality_n,
                "specific_volatility_session": self.structure.volatility_n,
                "sector": pl.Series(SECTORS, dtype=pl.String).gather(lives.sector_n),
                "listed": self.days[lives.first_n],
                "last_session": self.days[lives.last_n],
                "delist_reason": pl.Series(REASONS, dtype=pl.String).gather(lives.reason_n),
                "delisting_return": lives.delisting_return_n,
                "offer_row": lives.offer_n,
            }
        )

    def _loadings(self) -> pl.DataFrame:
        blocks, _, names = self.loading_bkn.shape
        return pl.DataFrame(
            {
                "first_session": np.repeat(self.days[::BLOCK], names),
                "security_id": pl.Series(self.lives.ids, dtype=pl.String).gather(
                    np.tile(np.arange(names), blocks)
                ),
                **{s: self.loading_bkn[:, k].ravel() for k, s in enumerate(STYLES)},
            }
        )

    def _alphas(self) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "name": [a.name for a in self.alphas],
                "ic": [a.ic for a in self.alphas],
                "ic_with_crowd": [self.true_ic(a.name) for a in self.alphas],
                "rank_ic": [self.true_rank_ic(a.name) for a in self.alphas],
                "half_life_days": [a.half_life_days for a in self.alphas],
                "crowd": [a.crowd for a in self.alphas],
                "crowding": [a.crowding for a in self.alphas],
                "fades_years": [a.fades_years for a in self.alphas],
            },
            schema_overrides={"name": pl.String, "crowd": pl.String},
        )

    def _signals(self) -> pl.DataFrame:
        """One row a listed session and name: signals known at its close, u and events of it."""
        listed = self.lives.listed(len(self.days))
        t, n = np.nonzero(listed)
        ids = pl.Series("security_id", self.lives.ids).cast(pl.Enum(self.lives.ids)).gather(n)
        arrays = {**self.signals, "specific_standardised": self.u_tn, "event_return": self.event_tn}
        return pl.DataFrame(
            {"date": self.days[t], "security_id": ids, **{k: v[listed] for k, v in arrays.items()}}
        )

    def _surprises(self) -> pl.DataFrame:
        made = self.quarters
        q, n = np.nonzero(made.heard_qn)
        return pl.DataFrame(
            {
                "security_id": pl.Series(self.lives.ids, dtype=pl.String).gather(n),
                "period_end": made.end_q[q],
                "first_session": self.days[made.row_qn[q, n]],
                "surprise": made.surprise_qn[q, n],
            }
        )

    def _tones(self) -> pl.DataFrame:
        written = self.headlines
        return self.lives.who(written.row_h, written.n_h).with_columns(
            pl.Series("after_session", self.days[written.row_h]), pl.Series("tone", written.tone_h)
        )

    def _insiders(self) -> pl.DataFrame:
        done = self.doings
        return self.lives.who(done.filed_i, done.n_i).with_columns(
            pl.Series("after_session", self.days[done.filed_i]),
            pl.Series("bought", done.bought_i),
            pl.Series("planned", done.planned_i),
        )

    def _shorts(self) -> pl.DataFrame:
        done, names = self.doings, len(self.lives.ids)
        ids = pl.Series("security_id", self.lives.ids, dtype=pl.String)
        return pl.DataFrame(
            {
                "settlement": np.repeat(self.days[done.settled_s], names),
                "published": np.repeat(self.days[done.published_s], names),
                "security_id": ids.gather(np.tile(np.arange(names), len(done.settled_s))),
                "x": done.short_sn.ravel(),
            }
        )

    def _faults(self) -> pl.DataFrame:
        kinds = {"kind": pl.String, "security_id": pl.String, "first": pl.Date, "last": pl.Date}
        rows = [(f.kind, f.security_id, f.first, f.last, f.detail) for f in self.faults]
        return pl.DataFrame(rows, schema={**kinds, "detail": pl.String}, orient="row")
