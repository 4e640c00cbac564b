"""Where uploaded scans lie until they are answered."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX, LOCK = "clinimcl-uploads-", ".lock"


@contextmanager
def upload_folder() -> Iterator[Path]:
    """Gone when its process leaves it, however it is told to; the next one removes what a killed one left."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        _remove_left(lock)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (folder / f"{LOCK}.new").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            (folder / f"{LOCK}.new").rename(folder / LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left(lock: Path) -> None:
    """Unless the folder is another user's, or its process lives."""
    with suppress(OSError), lock.open() as file:
        if lock.parent.stat().st_uid == os.getuid():
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent)
