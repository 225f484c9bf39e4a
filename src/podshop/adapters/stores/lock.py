"""A folder that one process at a time may change: a lock file that goes with the process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from podshop.domain.error import ConfigError


@contextmanager
def alone(lock: Path, taken: str) -> Iterator[None]:
    """Hold a lock file; however the process ends, it is free again.

    Args:
        lock: the file; its folder is made.
        taken: what to say when another process holds it.

    Raises:
        ConfigError: another process holds it.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(lock, os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(taken) from None
        yield
    finally:
        os.close(handle)


@contextmanager
def in_turn(lock: Path) -> Iterator[None]:
    """Hold a lock file, waiting for whoever holds it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(lock, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
