"""Where uploaded scans lie until they are answered."""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import final

PREFIX, LOCK = "clinimcl-uploads-", ".lock"


@final
class UploadFolder:
    """Holds what is uploaded as long as this process lives; the next one removes what a killed one left."""

    def __init__(self) -> None:
        for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
            _remove_left(lock)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = (self.path / f"{LOCK}.new").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        (self.path / f"{LOCK}.new").rename(self.path / LOCK)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _remove_left(lock: Path) -> None:
    """Unless the folder is another user's, or its process lives."""
    with suppress(OSError), lock.open() as file:
        if lock.parent.stat().st_uid == os.getuid():
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent)
