"""What runs the preparation: the cores of this machine, or a Dask cluster."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import parent_process
from threading import BoundedSemaphore, local
from typing import Any, final

from clinimcl.errors import UserError
from clinimcl.preparation.engines.worker_processes import run_in_processes
from clinimcl.storage.overlap import OneAtATime, Turn, Turns

Work = Callable[[Any], Any]

IN_FLIGHT = 32  # scans of one machine whose bytes are on their way
LEAST_IN_FLIGHT = 4  # of one process
LOST = 60.0  # seconds without a worker that are enough to start one on a busy machine
QUIET = 10.0  # seconds without a result after which a cluster is looked after


class Engine(ABC):
    @abstractmethod
    def run(self, work: Work, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The index and the result of each item, in whatever order they are done.

        While `work` is `turns.waiting` for the bytes of one item, its process takes up others.
        """


@final
@dataclass(frozen=True)
class Local(Engine):
    """Processes of this machine; `workers` None takes every core. A job that is a worker itself starts no others."""

    workers: int | None

    def run(self, work: Work, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        workers = min(self.workers or os.cpu_count() or 1, len(items))
        if workers <= 1 or parent_process() is not None:
            return _run_here(work, items)
        return run_in_processes(work, items, workers, max(LEAST_IN_FLIGHT, IN_FLIGHT // workers))


def _run_here(work: Work, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    turn = OneAtATime()
    turns = Turns(turn)
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        futures = {pool.submit(turns.run, work, item): index for index, item in enumerate(items)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            turn.stop()


@final
@dataclass(frozen=True)
class Dask(Engine):
    """The cluster whose scheduler listens at `address`; None starts one on this machine with `workers` processes."""

    address: str | None
    workers: int | None

    def run(self, work: Work, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        try:
            from distributed import Client, LocalCluster
        except ImportError:
            raise UserError("engine=dask needs Dask, which is not installed: pip install 'clinimcl[dask]'") from None
        if not items:
            return
        with ExitStack() as closing:
            if self.address is None:
                cluster = LocalCluster(n_workers=self.workers, threads_per_worker=1, dashboard_address=":0")
                closing.callback(_close, cluster)
                client = closing.enter_context(Client(cluster))
                yield from on_cluster(client, work, items, WorkerPresence(client))
            else:
                client = closing.enter_context(_connect(self.address))
                yield from on_cluster(client, work, items)


def on_cluster(
    client: Any, work: Work, items: Sequence[Any], still_runs: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, Any]]:
    """As `Engine.run`. What a killed worker had is done by another; `still_runs` may raise when nothing comes.

    Raises:
        UserError: an item ended one worker after another.
    """
    from distributed import KilledWorker
    from distributed import as_completed as dask_as_completed

    futures = client.map(partial(_among_others, work), items, pure=False)
    indices = {future.key: index for index, future in enumerate(futures)}
    coming = dask_as_completed(futures, with_results=True)
    last = time.monotonic()
    try:
        while indices:
            while coming.has_ready():
                future, result = next(coming)
                yield indices.pop(future.key), result
                last = time.monotonic()
            if time.monotonic() - last > QUIET:
                still_runs()
                last = time.monotonic()
            time.sleep(0.02)
    except KilledWorker:
        raise UserError(
            "a scan ended one Dask worker after another, most often because memory ran out: give the workers more; "
            "what is prepared stays"
        ) from None


class WorkerPresence:
    """Raises when called while a cluster on this machine has been without any worker for `LOST` seconds.

    Dask starts a worker again that ended, but gives up where that fails, and then waits for ever.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._seen = time.monotonic()

    def __call__(self) -> None:
        now = time.monotonic()
        if self._client.scheduler_info()["workers"]:
            self._seen = now
        elif now - self._seen > LOST:
            raise UserError(
                "no Dask worker is left on this machine, most often because memory ran out: prepare with "
                "engine=local, or give the workers more; what is prepared stays"
            )


def _close(cluster: Any) -> None:
    """Also where Dask is just starting a worker again, which it fails to end: then all the others, the second time."""
    from distributed import Status

    try:
        cluster.close()
    except AssertionError:
        cluster.status = Status.running
        cluster.close()


def _connect(address: str) -> Any:
    from distributed import Client

    try:
        return Client(address, timeout="8s")
    except (OSError, ValueError):
        raise UserError(
            f"no Dask scheduler answers at engine.address={address}, expected one like tcp://host:8786"
        ) from None


def _among_others(work: Work, item: Any) -> Any:
    return _turns_of_dask().run(work, item)


@lru_cache(maxsize=1)
def _turns_of_dask() -> Turns:
    return Turns(_Seceding(IN_FLIGHT))


@final
class _Seceding(Turn):
    """A task that waits leaves its place among the threads of its Dask worker to another; so many may at a time."""

    def __init__(self, most: int) -> None:
        self._places = BoundedSemaphore(most)
        self._own = local()

    def begin(self) -> None: ...

    def pause(self) -> None:
        from distributed import secede

        self._own.left = self._places.acquire(blocking=False)
        if self._own.left:
            secede()

    def resume(self) -> None:
        from distributed import rejoin

        if self._own.left:
            rejoin()
            self._places.release()

    def end(self) -> None: ...
