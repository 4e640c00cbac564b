"""The checkpoints of a run, copied to a bucket while it trains, and fetched from there to continue it."""

import posixpath
import sys
import threading
from pathlib import Path
from typing import final

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from clinimcl.encoders.provenance import contract_path
from clinimcl.errors import UserError
from clinimcl.storage import bucket
from clinimcl.storage.files import whole
from clinimcl.storage.tree import connect
from clinimcl.training import checkpoint_files

LOOK = 2.0  # seconds between two looks at the folder
LAST, LAST_OF_INTERRUPTED = 60.0, 10.0  # seconds that the end of a training waits for what is not copied yet
MIRRORED = ("checkpoints/*", "splits.json")


@final
class Mirror(Checkpoint):
    """What a run leaves in its folder to be continued from stands soon below `url`, each file whole or not at all.

    One thread of its own looks at the folder and copies what changed; a version that is replaced before its turn comes
    is left out. A training waits for it at its end only, and never fails by it. Nothing is removed from the bucket.
    Listed after those that save, it copies what they save of a training that is interrupted, too.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url.rstrip("/")
        self._copied: dict[Path, tuple[int, int]] = {}  # size and time of each file when it was copied
        self._failed: dict[Path, str] = {}
        self._said: list[str] = []
        self._copying = threading.Lock()
        self._ending = threading.Event()
        self._watching: threading.Thread | None = None

    def check(self, may_replace: bool) -> None:
        """Whether the bucket can be written, asked before a training begins, and holds none that would be lost.

        Raises:
            UserError: it cannot, or another training stands there that may not be replaced.
        """
        filesystem, place = connect(f"{self._url}/check.arriving")
        try:
            bucket.make_folder(filesystem, place)
            filesystem.pipe_file(place, b"")
            filesystem.rm_file(place)
            taken = not may_replace and filesystem.exists(connect(f"{self._url}/checkpoints/last.ckpt")[1])
        except Exception as error:  # every client has its own kinds
            raise UserError(
                f"checkpoints cannot be mirrored to {self._url} ({bucket.said(error)}): check that the bucket exists, "
                "and your credentials (for gs://: gcloud auth application-default login) and their right to write"
            ) from None
        if taken:
            raise UserError(
                f"{self._url} holds the checkpoints of a training: go on from it by ckpt_path=last, name another run "
                "by run=..., or remove them"
            )

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if trainer.is_global_zero and self._watching is None:
            self._ending.clear()
            self._watching = threading.Thread(target=self._watch, name="mirror", daemon=True)
            self._watching.start()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self.finish(LAST)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self.finish(LAST_OF_INTERRUPTED)

    def finish(self, seconds: float) -> None:
        """Copy what is left, for no longer than this, and say what could not be copied."""
        self._ending.set()
        last = threading.Thread(target=self._copy_last, daemon=True)
        last.start()
        last.join(seconds)
        reasons = [f"{path.name} ({why})" for path, why in sorted(self._failed.items())]
        if last.is_alive():
            reasons.append(f"what was not done within {seconds:g} s")
        if reasons and reasons != self._said:
            print(f"not mirrored to {self._url}: {', '.join(reasons)}; all of it is in {self._folder}", file=sys.stderr)
        self._said = reasons

    def _watch(self) -> None:
        with self._copying:
            while not self._ending.wait(LOOK):
                self._copy_changed()

    def _copy_last(self) -> None:
        with self._copying:
            self._copy_changed()

    def _copy_changed(self) -> None:
        """The last checkpoint first, from which a run is continued; but before it the best, which it knows of."""
        found = {path for pattern in MIRRORED for path in self._folder.glob(pattern)}
        for path in sorted(found, key=lambda path: (path.name != "best.ckpt", path.name != "last.ckpt", path)):
            try:
                if not path.name.startswith(".") and self._copied.get(path) != _stamp(path):
                    self._copy(path)
            except FileNotFoundError:  # replaced in between, or removed
                self._failed.pop(path, None)
            except Exception as error:  # every client has its own kinds; none may reach the training
                self._failed[path] = bucket.said(error)

    def _copy(self, path: Path) -> None:
        stamp, content = _stamp(path), path.read_bytes()
        if stamp == _stamp(path):  # else it is being written: at the next look
            bucket.upload(content, f"{self._url}/{path.relative_to(self._folder).as_posix()}")
            self._copied[path] = stamp
            self._failed.pop(path, None)


def local_copy(url: str, folder: Path) -> Path | None:
    """The checkpoint at `url`, below `folder` as below a run's, with what else such a run is continued from.

    None where there is no such object.

    Raises:
        UserError: it is not what was written, or the bucket cannot be read.
    """
    checkpoint = folder / "checkpoints" / posixpath.basename(url)
    best = checkpoint.with_name("best.ckpt")
    beside, above = posixpath.dirname(url), posixpath.dirname(posixpath.dirname(url))
    found = [_fetched(f"{beside}/{path.name}", path) for path in (checkpoint, best)]
    if not found[0]:
        return None
    for path in map(contract_path, (checkpoint, best)):
        _fetched(f"{beside}/{path.name}", path)
    _fetched(f"{above}/splits.json", folder / "splits.json")
    try:
        checkpoint_files.read(checkpoint)
    except UserError as error:
        checkpoint.unlink()
        raise UserError(f"{url} cannot be continued: {error}") from None
    return checkpoint


def _fetched(url: str, path: Path) -> bool:
    """Whether there is such an object, which is then at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with whole(path) as arriving, arriving.open("w+b") as file:
            bucket.download(url, file)
    except bucket.Missing:
        return False
    except bucket.Failed as error:
        raise UserError(
            f"{url} cannot be read ({error}): check the network and your credentials (for gs://: gcloud auth "
            "application-default login)"
        ) from None
    return True


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
