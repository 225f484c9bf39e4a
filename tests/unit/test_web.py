"""Asking one vendor: what is waited for, what is asked again, and where the key must never be."""

import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import stamina
from pytest_httpserver import HTTPServer
from werkzeug import Response

from podshop.adapters.vendors import Request, fmp
from podshop.adapters.web.answers import Answers
from podshop.adapters.web.client import Web
from podshop.adapters.web.limiter import Limiter
from podshop.domain.error import ConfigError, DataError

KEY = "s3cret/key+of=mine"
"""With letters that a URL writes in another way."""
ASKED = Request("fmp", "splits", "splits", (("symbol", "AAA"),))
NOON = datetime(2024, 5, 2, 12, 0, 15, tzinfo=UTC)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.time = NOON

    def seconds(self) -> float:
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def _quick_retries() -> Iterator[None]:
    with stamina.set_testing(True, attempts=6, cap=True):
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def web(tmp_path: Path, clock: Clock, httpserver: HTTPServer) -> Iterator[Web]:
    limiter = Limiter(tmp_path / "rate", 285, 3, clock.seconds, clock.sleep)
    url = httpserver.url_for("/")
    kept = Answers(tmp_path / "answers")
    made = Web(fmp, kept, limiter, KEY, base_url=url, now=lambda: clock.time)
    yield made
    made.close()


def answers(server: HTTPServer, *said: Response) -> None:
    for response in said:
        server.expect_ordered_request("/splits").respond_with_response(response)


def waited_s(clock: Clock) -> float:
    return (clock.time - NOON).total_seconds()


def test_too_many_requests_without_a_word_wait_for_the_next_minute(
    web: Web, clock: Clock, httpserver: HTTPServer
) -> None:
    answers(httpserver, Response("[]", 429), Response("[]", 200))
    assert web.get(ASKED).body == b"[]"
    assert waited_s(clock) == pytest.approx(45.0)  # from 12:00:15 to 12:01:00


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), ("Thu, 02 May 2024 12:00:35 GMT", 20.0)],
    ids=["seconds", "a date"],
)
def test_retry_after_is_kept_to(
    web: Web, clock: Clock, httpserver: HTTPServer, said: str, seconds: float
) -> None:
    answers(httpserver, Response("[]", 429, {"Retry-After": said}), Response("[]", 200))
    web.get(ASKED)
    assert waited_s(clock) == pytest.approx(seconds)


def test_a_vendor_that_wants_an_hour_stops_the_sync(web: Web, httpserver: HTTPServer) -> None:
    answers(httpserver, Response("[]", 429, {"Retry-After": "3600"}))
    with pytest.raises(DataError, match="left alone for 3600 s; sync again after that"):
        web.get(ASKED)
    assert web.asked == 1


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, "{}", ConfigError, "set FMP_API_KEY to a valid one"),
        (402, "{}", ConfigError, "the plan of this key does not include it"),
        (403, "{}", ConfigError, "the plan of this key does not include it"),
        (400, "[]", DataError, "the server answers 400"),
        (429, '{"message": "Daily limit reached"}', DataError, "sync again tomorrow"),
        (200, '{"message": "your subscription is over"}', ConfigError, "the plan of this key"),
    ],
)
def test_a_refusal_for_good_is_not_asked_again(
    web: Web, httpserver: HTTPServer, status: int, body: str, kind: type[Exception], message: str
) -> None:
    answers(httpserver, Response(body, status))
    with pytest.raises(kind, match=message):
        web.get(ASKED)
    assert web.asked == 1


@pytest.mark.parametrize(
    "bad",
    [Response("oh", 500), Response("oh", 503), Response("<html>", 200), Response('[{"a', 200)],
    ids=["500", "503", "HTML", "cut off"],
)
def test_what_may_pass_is_asked_again(web: Web, httpserver: HTTPServer, bad: Response) -> None:
    answers(httpserver, bad, bad, Response("[]", 200))
    assert web.get(ASKED).status == 200
    assert web.asked == 3


def test_a_vendor_that_stays_broken_is_given_up_after_six_times(
    web: Web, httpserver: HTTPServer
) -> None:
    answers(httpserver, *[Response("oh", 500)] * 6)
    with pytest.raises(DataError, match=r"fmp splits symbol=AAA: .*\(6 times\)"):
        web.get(ASKED)
    assert web.asked == 6


def test_there_is_nothing_is_an_answer_too_and_is_kept(web: Web, httpserver: HTTPServer) -> None:
    answers(httpserver, Response("{}", 404))
    assert [web.get(ASKED).status, web.get(ASKED).status] == [404, 404]
    assert web.asked == 1


def test_an_answer_is_asked_again_when_stale_and_never_when_final(
    web: Web, clock: Clock, httpserver: HTTPServer
) -> None:
    final = Request("fmp", "splits", "splits", ASKED.params, covers=NOON.date() - timedelta(4))
    recent = Request("fmp", "splits", "splits", (), covers=NOON.date())
    answers(httpserver, *[Response("[]", 200)] * 3)
    for request in (final, recent):
        web.get(request)
    clock.sleep(21 * 3_600.0)
    for request in (final, recent):
        web.get(request)
    assert web.asked == 3


def test_the_key_is_in_no_file_no_log_and_no_error(
    web: Web, tmp_path: Path, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echoed = f'{{"message": "no such call: /splits?apikey={KEY}"}}'
    next_page = f'[{{"next": "/splits?apikey={KEY}"}}]'
    answers(httpserver, Response(f"no {KEY}", 500), Response(echoed, 200))
    answers(httpserver, Response(next_page, 200), Response("{}", 401))
    told = []
    for request in (ASKED, ASKED, Request("fmp", "splits", "splits")):
        try:
            web.get(request)
        except (ConfigError, DataError) as error:
            told += traceback.format_exception(error)
    assert [entry[0].args["apikey"] for entry in httpserver.log] == [KEY] * 4  # it was really sent
    assert len(told) >= 2
    assert b"***" in web.get(ASKED).body
    # What the server here logs (werkzeug) is the vendor's business.
    said = [repr(vars(record)) for record in caplog.records if record.name != "werkzeug"]
    assert said
    sent = {entry[0].query_string.decode().split("apikey=")[1] for entry in httpserver.log}
    for secret in {KEY, quote(KEY, safe=""), *sent}:
        assert secret not in "".join(told)
        assert secret not in "".join(said)
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert files
        assert all(secret.encode() not in path.read_bytes() for path in files)


def test_who_slept_while_a_pause_was_called_queues_behind_it(tmp_path: Path) -> None:
    clock = [0.0]
    limiter = Limiter(tmp_path / "rate", 60, 1, lambda: clock[0], lambda _: None)
    limiter.wait()
    calls: list[float] = []

    def sleep(seconds: float) -> None:
        calls.append(seconds)
        if len(calls) == 1:
            limiter.pause(30.0)  # meanwhile another thread was refused
        clock[0] += seconds

    waiting = Limiter(tmp_path / "rate", 60, 1, lambda: clock[0], sleep)
    assert waiting.wait() == 30.0
    assert calls == [1.0, 29.0]
