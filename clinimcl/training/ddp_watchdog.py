"""Processes that train together: when one is lost, the others do not outlive it, and the first one says so."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import lightning.pytorch as pl
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher, subprocess_script
from torch.distributed import DistError

from clinimcl.errors import UserError

LOOK = 1.0  # seconds between two looks at the others
LATEST = 20.0  # seconds until what waits for a lost process is ended, and what should have ended is killed
SEEN = 5.0  # seconds from a connection that broke to the exit code of the process behind it

FIX = "what it said stands above, or in its own log; the same command with run=RUN ckpt_path=last goes on"

subprocess_script._launch_process_observer = lambda child_processes: None  # Lightning's own would kill this process


@contextmanager
def kept(trainer: pl.Trainer, fail: Callable[[str], None]) -> Iterator[None]:
    """While they train. `fail` is told what this process cannot raise, since it waits for one that is lost.

    Raises:
        UserError: another process was lost.
    """
    over = threading.Event()
    threading.Thread(target=_watch, args=(trainer, over, fail), daemon=True).start()
    try:
        yield
    except BaseException as error:
        over.set()
        if isinstance(error, SystemExit):  # as the others do
            _wait(LATEST, lambda: all(process.poll() is not None for process in _started(trainer)))
        if _broken(error):
            _wait(SEEN, lambda: _lost(trainer) != "")
        lost = _lost(trainer) or f"another process of this training was lost ({error}): {FIX}"
        _kill(_started(trainer))
        if _broken(error):
            raise UserError(lost) from error
        raise
    finally:
        over.set()


def _watch(trainer: pl.Trainer, over: threading.Event, fail: Callable[[str], None]) -> None:
    while not over.wait(LOOK):
        lost = _lost(trainer)
        if lost and not over.wait(LATEST):
            fail(lost)
            _kill(_started(trainer))
            print(f"clinimcl: {lost}", file=sys.stderr, flush=True)
            os._exit(2)


def _started(trainer: pl.Trainer) -> list[subprocess.Popen]:
    """By this one, as Lightning does on each machine; SLURM starts its tasks itself, and ends them."""
    launcher = trainer.strategy.launcher
    return launcher.procs if isinstance(launcher, _SubprocessScriptLauncher) else []


def _lost(trainer: pl.Trainer) -> str:
    """Which process has failed, and how; nothing where none has."""
    for number, process in enumerate(_started(trainer), start=1):
        code = process.poll()
        if code:
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"
            return f"process {number} of the {trainer.world_size} that train together {how}: {FIX}"
    return ""


def _broken(error: BaseException) -> bool:
    """Whether it tells of a connection to another process: gloo has no kind of its own."""
    return isinstance(error, DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error))


def _wait(seconds: float, done: Callable[[], bool]) -> None:
    latest = time.monotonic() + seconds
    while not done() and time.monotonic() < latest:
        time.sleep(0.1)


def _kill(processes: list[subprocess.Popen]) -> None:
    for process in processes:
        process.kill()
        process.wait()
