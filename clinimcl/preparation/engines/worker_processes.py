"""Work of one kind, spread over processes that each hold several items at once."""

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

from clinimcl import memory
from clinimcl.errors import UserError
from clinimcl.storage.overlap import OneAtATime, Turns

Work = Callable[[Any], Any]


class _Worker(NamedTuple):
    process: SpawnProcess
    pipe: Connection


def run_in_processes(work: Work, items: Sequence[Any], workers: int, each: int) -> Iterator[tuple[int, Any]]:
    """The index and the result of each item; a process that gives one gets the next, and holds `each` of them.

    Raises:
        UserError: a process was killed.
    """
    started = {worker.pipe: worker for worker in (_start(work, each) for _ in range(workers))}
    todo = iter(enumerate(items))
    under_way = 0
    try:
        for first, item in zip(list(started) * each, todo, strict=False):
            first.send(item)
            under_way += 1
        while under_way:
            for pipe in wait(list(started)):
                assert isinstance(pipe, Connection)
                index, result = _received(started[pipe])
                for item in islice(todo, 1):
                    pipe.send(item)
                    under_way += 1
                under_way -= 1
                yield index, result
    except BaseException:
        for worker in started.values():
            worker.process.terminate()
        raise
    finally:
        for worker in started.values():
            worker.pipe.close()  # which ends it
            worker.process.join()


def _start(work: Work, each: int) -> _Worker:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work, each), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _received(worker: _Worker) -> tuple[int, Any]:
    try:
        index, result, error = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        raise UserError(
            f"a process of the preparation was ended from outside (exit code {worker.process.exitcode}), most often "
            "because memory ran out: give fewer engine.workers; what is prepared stays"
        ) from None
    if error is not None:
        raise error
    return index, result


def _serve(pipe: Connection, work: Work, each: int) -> None:
    """One thread a worker computes, and no worker outlives a parent that was killed."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    memory.keep_freed()
    memory.share_freed()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's affair
    parent = parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    turns, sending = Turns(OneAtATime()), threading.Lock()

    def answer(index: int, item: Any) -> None:
        try:
            said = _pickled(index, turns.run(work, item), None)
        except BaseException as error:
            said = _pickled(index, None, error)
        with sending:
            pipe.send_bytes(said)

    with ThreadPoolExecutor(each) as pool, suppress(EOFError):
        while True:
            pool.submit(answer, *pipe.recv())


def _pickled(index: int, result: Any, error: BaseException | None) -> bytes:
    """An error comes with its traceback; what cannot be pickled is an error, too."""
    if error is not None:
        error.add_note("".join(traceback.format_exception(error)))
    try:
        return bytes(ForkingPickler.dumps((index, result, error)))
    except Exception as unpicklable:
        return bytes(ForkingPickler.dumps((index, None, RuntimeError(repr(error or unpicklable)))))


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
