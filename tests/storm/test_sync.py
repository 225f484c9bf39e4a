"""A sync against a vendor that misbehaves, and against being killed: nothing is lost."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import stamina
from tests.vendor_server import KEY, VendorServer, vendor_server

from podshop.adapters.stores.market import MarketStore
from podshop.adapters.vendors import Wanted
from podshop.data.sync import Access, Synced, sync
from podshop.domain.error import ConfigError, DataError

TABLES = (
    "symbols",
    "securities",
    "bars",
    "splits",
    "dividends",
    "adjusted",
    "income_statements",
    "balance_sheets",
    "cash_flows",
    "ratios",
    "rates",
    "earnings",
    "insider_trades",
    "congress_trades",
    "news",
)
WANTED = Wanted(TABLES, ("sp500", "BADBAR", "UNKNOWN"), date(2023, 1, 1), date(2023, 1, 10))
FEW = Wanted(("symbols", "bars"), ("AAPL", "NEWCO"), date(2023, 1, 1), date(2023, 1, 10))


@pytest.fixture
def server(shared_data: Path) -> Iterator[VendorServer]:
    with vendor_server(shared_data / "recorded") as running:
        yield running


def access(server: VendorServer) -> Access:
    return Access(KEY, server.url, window_s=server.window_s)


def fill(store: MarketStore, server: VendorServer, wanted: Wanted = WANTED) -> Synced:
    made = sync(store, "fmp", wanted, access(server))
    store.refresh()
    return made


@pytest.fixture(autouse=True)
def _quick_retries() -> Iterator[None]:
    """Retries come at once; what the vendor said about waiting is kept by the limiter."""
    with stamina.set_testing(True, attempts=6, cap=True):
        yield


@pytest.mark.slow
@pytest.mark.storm
def test_a_full_sync_survives_every_fault_and_a_second_one_asks_nothing(
    tmp_path: Path, server: VendorServer
) -> None:
    server.faults = {
        3: "500",
        7: "html",
        12: "reset",
        15: "cut",
        18: "short",
        22: "200 error",
        30: "429 after",
    }
    store = MarketStore(tmp_path)
    fill(store, server)
    assert server.refused <= 2
    assert server.faults == {}
    asked, content = server.requests, store.hash()
    again = fill(store, server)
    assert (again.asked, server.requests, store.hash()) == (0, asked, content)
    assert store.query("SELECT count(*) AS n FROM bars").item() == 23
    aside = store.frame("quarantine").row(0, named=True)
    assert (aside["symbol"], aside["reason"]) == ("BADBAR", "the high is below the low")
    twice = store.frame("revisions").filter(store.frame("revisions")["table"] == "bars")
    assert twice.height == 1  # BADBAR's 2023-01-06 came twice; the last is kept, the other told
    # FY and Q4 of one day stand side by side; ratios are known when their statement was.
    periods = store.query("SELECT period, known_at FROM ratios WHERE symbol = 'BADBAR' ORDER BY 1")
    assert periods.get_column("period").to_list() == ["FY", "Q3", "Q4"]
    assert str(periods.get_column("known_at")[0]) == "2023-02-01 23:08:27+00:00"
    names = store.query("SELECT DISTINCT security_id FROM bars WHERE symbol IN ('OLDCO', 'NEWCO')")
    assert names.height == 1
    dead = store.query("SELECT delisted FROM securities WHERE security_id LIKE 'DEAD@%'").item()
    assert dead == date(2023, 1, 10)


KILLED = """
import sys
from datetime import date
from podshop.adapters.stores.market import MarketStore
from podshop.adapters.vendors import Wanted
from podshop.data.sync import Access, sync
folder, url, key = sys.argv[1:4]
wanted = Wanted(tuple(sys.argv[4].split(",")), ("sp500", "BADBAR", "UNKNOWN"),
                date(2023, 1, 1), date(2023, 1, 10))
print("begun", flush=True)
sync(MarketStore(folder), "fmp", wanted, Access(key, url, per_minute=6_000))
"""


@pytest.mark.slow
@pytest.mark.storm
def test_killed_at_twenty_random_points_it_recovers_to_the_undisturbed_store(
    tmp_path: Path, shared_data: Path
) -> None:
    # No limit here, so that a sync takes about as long as its own work.
    with vendor_server(shared_data / "recorded", limit=10_000) as server:
        rng = np.random.default_rng(20230110)
        undisturbed = MarketStore(tmp_path / "undisturbed")
        quick = Access(KEY, server.url, per_minute=6_000)
        sync(undisturbed, "fmp", WANTED, quick)
        undisturbed.refresh()
        store = tmp_path / "killed"
        command = [sys.executable, "-c", KILLED, str(store), server.url, KEY, ",".join(TABLES)]
        environment = os.environ | {"POLARS_ENGINE_AFFINITY": "in-memory"}
        killed = 0
        while killed < 20:
            with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
                assert process.stdout is not None
                process.stdout.readline()
                # An undisturbed sync takes about two seconds, so parsing and commit are hit too.
                time.sleep(rng.uniform(0.0, 2.5))
                if process.poll() is not None:
                    # It was done before: begin anew, so that there is something to disturb.
                    subprocess.run(["rm", "-rf", str(store)], check=True)
                process.send_signal(signal.SIGKILL)
                killed += 1
        sync(MarketStore(store), "fmp", WANTED, quick)
        assert MarketStore(store).hash() == undisturbed.hash()
        leftovers = [p for p in store.rglob(".*") if p.is_file() and ".new" in p.name]
        assert leftovers == []


def test_two_syncs_at_once_are_refused(tmp_path: Path, server: VendorServer) -> None:
    store = MarketStore(tmp_path)
    with store.writing(), pytest.raises(ConfigError, match="another podshop process writes"):
        fill(MarketStore(tmp_path), server, FEW)
    assert server.requests == 0


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("402", ConfigError, "the plan of this key does not include it"),
        ("quota", DataError, "quota of requests is used up"),
    ],
)
def test_refusals_stop_the_sync_and_say_what_to_do(
    tmp_path: Path, server: VendorServer, fault: str, kind: type[Exception], message: str
) -> None:
    server.faults = {2: fault}
    with pytest.raises(kind, match=message):
        fill(MarketStore(tmp_path), server, FEW)
    # What had come is in the store already; the next sync brings the rest.
    store = MarketStore(tmp_path)
    fill(store, server, FEW)
    assert store.query("SELECT count(*) AS n FROM bars").item() == 12


def test_a_wrong_key_is_refused_and_is_written_nowhere(
    tmp_path: Path, server: VendorServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "wrong-key-987654"
    with pytest.raises(ConfigError, match="set FMP_API_KEY to a valid one") as caught:
        sync(MarketStore(tmp_path), "fmp", FEW, Access(wrong, server.url))
    fill(MarketStore(tmp_path), server, FEW)
    for secret in (wrong, KEY):
        assert secret not in str(caught.value)
        assert secret not in caplog.text
        for path in tmp_path.rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes()
                assert secret not in path.name


@pytest.mark.slow
def test_a_network_that_is_down_says_so_without_the_key(tmp_path: Path) -> None:
    nowhere = Access("secret-of-mine", "http://127.0.0.1:9/stable", per_minute=285)
    with pytest.raises(DataError, match="fmp symbol-change") as caught:
        sync(MarketStore(tmp_path), "fmp", FEW, nowhere)
    told = f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
    assert "secret-of-mine" not in told


def test_without_a_key_it_names_the_variable(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("FMP_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="set the environment variable FMP_API_KEY"):
        sync(MarketStore(tmp_path), "fmp", FEW, Access())
