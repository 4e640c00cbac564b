"""One pair after the other: who waits sees how many are before."""

import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any, final

from clinimcl.errors import UserError

MOST_KEPT = 20  # answers with their pictures; older ones are forgotten


class Full(UserError):
    """Too many wait already."""


@dataclass
class Job:
    """`state` is waiting, working, done or refused; `files` are gone when it is one of the last two."""

    files: Path  # folder of what was uploaded
    given: dict[str, Any]
    size: int  # bytes of the upload
    name: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    state: str = "waiting"
    said: list[str] = field(default_factory=list)
    shown: dict[str, bytes] = field(default_factory=dict)


@final
class Line:
    """A thread that calls `work` on a job at a time, and always removes its files.

    `work` leaves what is to be said and shown in the job, or raises UserError to refuse. Whoever uploads has a place
    already: `most_waiting` of them, and `most_bytes` on the disk.
    """

    def __init__(self, work: Callable[[Job], None], most_waiting: int, most_bytes: int) -> None:
        self._work = work
        self._most, self._most_bytes = most_waiting, most_bytes
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._uploading: list[int] = []
        self._lock = threading.Lock()
        self._queue: Queue[Job] = Queue()
        threading.Thread(target=self._serve, daemon=True, name="answers").start()

    def __len__(self) -> int:
        with self._lock:
            return len(self._sizes())

    def _sizes(self) -> list[int]:
        return [job.size for job in self._jobs.values() if job.state in ("waiting", "working")] + self._uploading

    @contextmanager
    def place(self, size: int) -> Iterator[Callable[[Job], None]]:
        """For an upload of so many bytes; what is yielded puts the job into the line.

        Raises:
            Full: before anything is uploaded.
        """
        with self._lock:
            sizes = self._sizes()
            if len(sizes) >= self._most or sum(sizes) + size > self._most_bytes:
                raise Full(f"{len(sizes)} pairs wait already: try again in a minute")
            self._uploading.append(size)
        try:
            yield self._add
        finally:
            with self._lock:
                self._uploading.remove(size)

    def _add(self, job: Job) -> None:
        with self._lock:
            self._jobs[job.name] = job
        self._queue.put(job)

    def find(self, name: str) -> Job | None:
        with self._lock:
            return self._jobs.get(name)

    def before(self, job: Job) -> int:
        """How many are answered first."""
        with self._lock:
            names = list(self._jobs)
            return sum(self._jobs[name].state in ("waiting", "working") for name in names[: names.index(job.name)])

    def _serve(self) -> None:
        while True:
            job = self._queue.get()
            job.state = "working"
            try:
                self._work(job)
                state = "done"
            except UserError as error:
                job.said, state = [str(error)], "refused"
            except Exception as error:  # the queue goes on whatever a file does; what it says may quote the file
                job.said, state = [f"something went wrong with these scans ({type(error).__name__})"], "refused"
            shutil.rmtree(job.files, ignore_errors=True)
            job.given, job.state = {}, state
            self._forget()

    def _forget(self) -> None:
        with self._lock:
            ended = [name for name, job in self._jobs.items() if job.state in ("done", "refused")]
            for name in ended[:-MOST_KEPT]:
                self._jobs[name].shown = {}
            for name in ended[: -50 * MOST_KEPT]:
                del self._jobs[name]
