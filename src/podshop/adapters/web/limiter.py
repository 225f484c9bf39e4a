"""How often a vendor may be asked: the generic cell rate algorithm, shared by all processes.

One number is kept, the time at which the queue of past requests would be empty if they had come
evenly. A request may be early by `burst - 1` intervals at most. So in any rolling minute there are
never more than the allowed number plus the burst: a bucket that starts full would allow twice the
limit in its first minute, which is how one is refused.
"""

import fcntl
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

NUMBER = struct.Struct("<d")


class Limiter:
    """Lets requests through at an even rate.

    Args:
        file: where the processes of this machine keep the one number.
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
        """Wait for one's turn.

        Returns:
            Seconds waited.
        """
        delay = self._reserve(0.0)
        if delay > 0.0:
            self._sleep(delay)
        return max(delay, 0.0)

    def pause(self, seconds: float) -> None:
        """Nobody asks for that long: the vendor said so."""
        self._reserve(seconds)

    def _reserve(self, hold: float) -> float:
        """Move the number on and say how long to wait."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.file, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            said = os.pread(handle, NUMBER.size, 0)
            now = self._now()
            due = NUMBER.unpack(said)[0] if len(said) == NUMBER.size else now
            # A clock that was set back must not make everybody wait for a day.
            due = min(max(due, now), now + 3_600.0)
            if hold > 0.0:
                due = max(due, now + hold + self.early)
                os.pwrite(handle, NUMBER.pack(due), 0)
                return hold
            os.pwrite(handle, NUMBER.pack(due + self.interval), 0)
            return due - self.early - now
        finally:
            os.close(handle)
