"""How often a vendor may be asked: the generic cell rate algorithm, shared by all processes.

The number that is kept is the time at which the queue of past requests would be empty if they had
come evenly; a second one says until when a vendor wants to be left alone. A request may be early by
`burst - 1` intervals at most. So in any rolling minute there are never more than the allowed number
plus the burst: a bucket that starts full would allow twice the limit in its first minute, which is
how one is refused.
"""

import fcntl
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

NUMBERS = struct.Struct("<dd")
"""When the queue is empty, and until when nobody may ask."""
LONGEST_S = 3_600.0
"""A clock that was set back must not make everybody wait for a day."""


class Limiter:
    """Lets requests through at an even rate.

    Args:
        file: where the processes of this machine keep the two numbers.
        per_minute: requests a minute.
        burst: requests that may come at once after a pause.
        now: seconds since some fixed moment, the same in all processes.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        file: Path,
        per_minute: float,
        burst: int = 3,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Begin where other processes are."""
        self.file = file
        self.interval = 60.0 / per_minute
        self.early = self.interval * (burst - 1)
        self._now, self._sleep = now, sleep

    def wait(self) -> float:
        """Wait for one's turn. Who slept while a pause was called queues anew behind it.

        Returns:
            Seconds waited.
        """
        waited = 0.0
        while True:
            delay, paused = self._reserve()
            waited += max(delay, 0.0)
            if delay <= 0.0:
                return waited
            self._sleep(delay)
            if self._paused_until() <= paused:
                return waited

    def pause(self, seconds: float) -> None:
        """Nobody asks for that long: the vendor said so."""
        with self._numbers() as (handle, due, paused):
            until = max(self._now() + seconds, paused)
            os.pwrite(handle, NUMBERS.pack(max(due, until + self.early), until), 0)

    def _reserve(self) -> tuple[float, float]:
        """Take a place in the queue: seconds until its turn, and the pause that it knows of."""
        with self._numbers() as (handle, due, paused):
            os.pwrite(handle, NUMBERS.pack(due + self.interval, paused), 0)
            return due - self.early - self._now(), paused

    def _paused_until(self) -> float:
        with self._numbers() as (_, _, paused):
            return paused

    @contextmanager
    def _numbers(self) -> Iterator[tuple[int, float, float]]:
        """The file, locked, and its two numbers."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.file, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            said = os.pread(handle, NUMBERS.size, 0)
            now = self._now()
            due, paused = NUMBERS.unpack(said) if len(said) == NUMBERS.size else (now, 0.0)
            yield handle, min(max(due, now), now + LONGEST_S), paused
        finally:
            os.close(handle)
