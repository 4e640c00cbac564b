"""What runs the preparation: the cores of this machine, or a Dask cluster."""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from typing import Any, final

from clinimcl.errors import UserError

Work = Callable[[Any], Any]


class Engine(ABC):
    @abstractmethod
    def run(self, work: Work, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The index and the result of each item, in whatever order they are done."""


@final
@dataclass(frozen=True)
class Local(Engine):
    """Processes of this machine; `workers` None takes every core. A job that is a worker itself starts no others."""

    workers: int | None

    def run(self, work: Work, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        workers = min(self.workers or os.cpu_count() or 1, len(items))
        if workers <= 1 or parent_process() is not None:
            yield from ((index, work(item)) for index, item in enumerate(items))
            return
        with ProcessPoolExecutor(workers, get_context("spawn"), _begin_worker) as pool:
            futures = {pool.submit(work, item): index for index, item in enumerate(items)}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


@final
@dataclass(frozen=True)
class Dask(Engine):
    """The cluster whose scheduler listens at `address`; None starts one on this machine with `workers` processes."""

    address: str | None
    workers: int | None

    def run(self, work: Work, items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        try:
            from distributed import Client, LocalCluster
            from distributed import as_completed as dask_as_completed
        except ImportError:
            raise UserError("engine=dask needs Dask, which is not installed: pip install 'clinimcl[dask]'") from None
        with ExitStack() as closing:
            if self.address is None:
                cluster = LocalCluster(n_workers=self.workers, threads_per_worker=1, dashboard_address=None)
                client = closing.enter_context(Client(closing.enter_context(cluster)))
            else:
                client = closing.enter_context(_connect(self.address))
            futures = client.map(work, items, pure=False)
            indices = {future.key: index for index, future in enumerate(futures)}
            for future, result in dask_as_completed(futures, with_results=True):
                yield indices[future.key], result


def _connect(address: str) -> Any:
    from distributed import Client

    try:
        return Client(address, timeout="8s")
    except (OSError, ValueError):
        raise UserError(
            f"no Dask scheduler answers at engine.address={address}, expected one like tcp://host:8786"
        ) from None


def _begin_worker() -> None:
    """One thread a worker, and no worker outlives a parent that was killed."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    parent = parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
