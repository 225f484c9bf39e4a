"""Raw answers of vendors on disk: what was once fetched is read again without the network.

One Parquet file an answer, `answers/VENDOR/ENDPOINT/ID.parquet`, written atomically, with what was
asked (never the key), when, and the body as it came. "There is nothing" is an answer too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

import orjson
import polars as pl

from podshop.adapters.stores.manifest import replace_file
from podshop.adapters.vendors import Request
from podshop.domain.error import DataError

FINAL_AFTER = timedelta(days=4)
"""How long after the last day that it covers an answer is final: vendors mend a few days back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vendor said.

    Attributes:
        id: name of the question, a dash, fingerprint of the body.
        request: what was asked.
        status: HTTP status; 404 stands for "there is nothing".
        fetched_at: when, UTC.
        body: as it came.
    """

    id: str
    request: Request
    status: int
    fetched_at: datetime
    body: bytes


def name_of(request: Request) -> str:
    """The name under which answers to a question are filed."""
    told = orjson.dumps(
        [request.vendor, request.endpoint, request.path, request.params, request.about]
    )
    return blake2b(told, digest_size=16).hexdigest()


class Answers:
    """The answers kept under a store.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        """Look nowhere yet."""
        self.folder = folder

    def current(self, request: Request, now: datetime) -> Answer | None:
        """The answer to a question, if it is there and need not be asked for again."""
        answer = self.read(self._path(request))
        if answer is None or answer.request != request:
            return None
        covers = request.covers
        if covers is not None:
            final = datetime(covers.year, covers.month, covers.day, tzinfo=UTC) + FINAL_AFTER
            if answer.fetched_at >= final:
                return answer
        fresh = now - answer.fetched_at < timedelta(hours=request.fresh_hours)
        return answer if fresh else None

    def has(self, request: Request) -> bool:
        """True when there is an answer, however old."""
        return self._path(request).is_file()

    def keep(self, request: Request, status: int, body: bytes, now: datetime) -> Answer:
        """File an answer.

        Raises:
            OSError: the disk is full; what was there stays.
        """
        frame = pl.DataFrame(
            {
                "vendor": [request.vendor],
                "endpoint": [request.endpoint],
                "path": [request.path],
                "params": [orjson.dumps(request.params).decode()],
                "covers": pl.Series([request.covers], dtype=pl.Date),
                "fresh_hours": [request.fresh_hours],
                "about": [request.about],
                "status": [status],
                "fetched_at": [now],
                "body": [body],
            }
        )
        packed = BytesIO()
        frame.write_parquet(packed, compression="zstd", statistics=False)
        path = self._path(request)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, packed.getvalue())
        return Answer(_id(request, body), request, status, now, body)

    def all(self) -> Iterator[Answer]:
        """Every answer, in an order that depends on the questions alone."""
        for path in sorted(self.folder.rglob("*.parquet")):
            answer = self.read(path)
            if answer is not None:
                yield answer

    def read(self, path: Path) -> Answer | None:
        """One answer; None when it is not there.

        Raises:
            DataError: the file is damaged.
        """
        if not path.is_file():
            return None
        try:
            row = pl.read_parquet(path).row(0, named=True)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(
                f"{path}: a damaged answer: {error}\n  -> remove it and sync again"
            ) from error
        request = Request(
            row["vendor"],
            row["endpoint"],
            row["path"],
            tuple((k, v) for k, v in orjson.loads(row["params"])),
            row["covers"],
            row["fresh_hours"],
            row["about"],
        )
        body = row["body"]
        return Answer(_id(request, body), request, row["status"], row["fetched_at"], body)

    def forget(self, answer: Answer) -> None:
        """Remove an answer, so that its question is asked again."""
        self._path(answer.request).unlink(missing_ok=True)

    def _path(self, request: Request) -> Path:
        endpoint = "".join(c if c.isalnum() or c in "-_." else "_" for c in request.endpoint)
        return self.folder / request.vendor / endpoint / f"{name_of(request)}.parquet"


def _id(request: Request, body: bytes) -> str:
    return f"{name_of(request)}-{blake2b(body, digest_size=16).hexdigest()}"
