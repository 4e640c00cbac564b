"""What a run leaves behind besides its results: its configuration and how it ended."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from clinimcl.errors import UserError
from clinimcl.evaluation.files import write_json, write_text

LEFT = (
    "checkpoints",
    "figures",
    "wandb",
    "tensorboard",
    "metrics.csv",
    "splits.json",
    "speed.json",
    "evaluation.json",
    "absent.json",
    "epochs.csv",
    "report.html",
)


@contextmanager
def recorded(folder: Path, configuration: dict[str, Any]) -> Iterator[None]:
    """`config.yaml`, and a `status.json` that says running, then done or failed with the error."""
    from omegaconf import OmegaConf

    _make_room(folder, configuration["ckpt_path"])
    write_text(OmegaConf.to_yaml(OmegaConf.create(configuration)), folder / "config.yaml")
    _status(folder, "running")
    try:
        yield
    except BaseException as error:
        with suppress(OSError):  # a full disk, which may be why
            _status(folder, "failed", f"{type(error).__name__}: {error}")
        raise
    _status(folder, "done")


def _status(folder: Path, status: str, error: str = "") -> None:
    write_json({"status": status} | ({"error": error} if error else {}), folder / "status.json")


def _make_room(folder: Path, ckpt_path: str | None) -> None:
    """An empty place for a run: what an earlier one left in the same folder is removed, lest it be taken for new.

    Raises:
        UserError: the run continues a checkpoint of this very folder, or it cannot be written.
    """
    if ckpt_path and folder in Path(ckpt_path).parents:
        raise UserError(f"run={folder} holds the checkpoint that ckpt_path continues: name another folder")
    try:
        for name in LEFT if (folder / "status.json").is_file() else ():
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"run={folder} cannot be written ({error.strerror}): name another folder") from error
