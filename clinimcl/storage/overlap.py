"""One scan of a process computes while the bytes of the next ones are on their way."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, final

MOST_BYTES = 2**29  # that the scans of one process hold before they compute


class Stopped(Exception):
    """Nobody wants the rest any more."""


class Turn(ABC):
    """Which of a process's threads may compute."""

    @abstractmethod
    def begin(self) -> None: ...

    @abstractmethod
    def pause(self) -> None: ...

    @abstractmethod
    def resume(self) -> None: ...

    @abstractmethod
    def end(self) -> None: ...


@final
class OneAtATime(Turn):
    """Who begins goes before who resumes: there is little to do before the first bytes are asked for."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._beginning = 0
        self._taken = False
        self._stopped = False

    def begin(self) -> None:
        with self._change:
            self._beginning += 1
            self._change.wait_for(lambda: self._stopped or not self._taken)
            self._beginning -= 1
            self._take()

    def resume(self) -> None:
        with self._change:
            self._change.wait_for(lambda: self._stopped or not (self._taken or self._beginning))
            self._take()

    def pause(self) -> None:
        with self._change:
            self._taken = False
            self._change.notify_all()

    end = pause

    def stop(self) -> None:
        """Whoever waits for the turn, or will, gets `Stopped`."""
        with self._change:
            self._stopped = True
            self._change.notify_all()

    def _take(self) -> None:
        if self._stopped:
            raise Stopped
        self._taken = True


@final
class Turns:
    """The threads of a process, each at its own scan.

    A thread that holds bytes already is never kept from asking for more, so that none waits for another for ever.
    """

    def __init__(self, turn: Turn, most_bytes: int = MOST_BYTES) -> None:
        self._turn = turn
        self._most_bytes = most_bytes
        self._change = threading.Condition()
        self._held = 0  # bytes of all threads, and what is expected of those that wait
        self._usual = 0  # bytes of the object that came last

    def run(self, work: Callable[[Any], Any], item: Any) -> Any:
        """`work(item)`, which may call `waiting`."""
        self._turn.begin()
        _own.turns, _own.bytes = self, 0
        try:
            return work(item)
        finally:
            self._hold(-_own.bytes)
            _own.turns = None
            self._turn.end()

    @contextmanager
    def left(self) -> Iterator[Callable[[int], None]]:
        self._turn.pause()
        try:
            expected = self._expect()
            try:
                yield self._came
            finally:
                self._hold(-expected)
        finally:
            self._turn.resume()

    def _expect(self) -> int:
        """Wait for room, and take it."""
        with self._change:
            self._change.wait_for(lambda: _own.bytes or not self._held or self._held + self._usual <= self._most_bytes)
            self._held += self._usual
            return self._usual

    def _came(self, size: int) -> None:
        _own.bytes += size
        self._usual = size
        self._hold(size)

    def _hold(self, size: int) -> None:
        with self._change:
            self._held += size
            self._change.notify_all()


_own = threading.local()


@contextmanager
def waiting() -> Iterator[Callable[[int], None]]:
    """Let another scan of this process compute; what is yielded is to be told the number of bytes that came."""
    turns: Turns | None = getattr(_own, "turns", None)
    if turns is None:
        yield lambda size: None
        return
    with turns.left() as came:
        yield came
