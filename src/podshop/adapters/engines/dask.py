"""Dask on this machine: a scheduler and worker processes that start with a call and end with it.

`session` holds them for several calls. Nothing leaves the machine: no dashboard,
the loopback address.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from podshop.adapters.engines.work import (
    Task,
    answer,
    cut,
    lost,
    packed,
    results,
    shared,
    single_threaded,
    undisturbed,
)

if TYPE_CHECKING:
    from podshop.domain.market import Panel

SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,  # a task that kills a worker is not tried again
    "distributed.worker.multiprocessing-method": "spawn",
}


def run(fn: Task, items: Sequence[Any], panel: "Panel", workers: int) -> Iterator[tuple[int, Any]]:
    """Work on the items with Dask; see `Engine.stream`."""
    distributed = import_module("distributed")
    with shared(fn, panel) as folder, session(workers) as client:
        waiting = [
            client.submit(answer, folder, packed(chunk), pure=False, retries=0)
            for chunk in cut(items, workers)
        ]
        try:
            for future in distributed.as_completed(waiting):
                yield from results(future.result())
                future.release()
        except distributed.KilledWorker as error:
            raise lost("dask", error) from error
        finally:
            client.cancel(waiting, force=True)


@contextmanager
def session(workers: int) -> Iterator[Any]:
    """Hold Dask for several calls; inside, and where a client is there already, calls use it.

    Args:
        workers: processes that Dask starts.

    Yields:
        the `distributed.Client`.
    """
    distributed = import_module("distributed")
    try:
        client = distributed.get_client()
    except ValueError:  # there is none
        with _started(distributed, workers) as client:
            yield client
    else:
        yield client


@contextmanager
def _started(distributed: Any, workers: int) -> Iterator[Any]:
    config = import_module("dask.config")
    with (
        TemporaryDirectory(prefix="podshop-dask-", ignore_cleanup_errors=True) as folder,
        config.set(SETTINGS | {"temporary-directory": folder}),
    ):
        with single_threaded(), undisturbed():
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                worker_dashboard_address=None,
                local_directory=folder,
                silence_logs=logging.CRITICAL,
                # Any free port: the usual one may be another cluster's.
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            )
        with cluster, distributed.Client(cluster) as client:
            yield client
