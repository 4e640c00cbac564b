"""Checkpoints of a run: written whole, read weights-only and by their digest."""

from contextlib import suppress
from pathlib import Path
from typing import Any, final

from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import nn

from clinimcl.errors import UserError
from clinimcl.storage.tensor_files import read_tensors, write_tensors


@final
class CheckpointFiles(TorchCheckpointIO):
    """How Lightning writes and reads them."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_tensors(checkpoint, Path(path))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        return read(Path(path))


def read(path: Path) -> dict[str, Any]:
    """
    Raises:
        UserError: the file is missing, damaged (another of its folder that is whole is named), or holds more than
            tensors and plain values.
    """
    try:
        checkpoint = read_tensors(path)
    except UserError as error:
        raise UserError(f"{error}{_other(path)}") from None
    if not isinstance(checkpoint, dict) or not {"state_dict", "epoch"} <= set(checkpoint):
        raise UserError(f"{path} is no checkpoint of clinimcl: expected state_dict and epoch in it")
    return checkpoint


def _other(path: Path) -> str:
    """The newest checkpoint beside one that cannot be read."""
    found = (other for other in path.parent.glob("*.ckpt") if other != path and other.name != "change.ckpt")
    for other in sorted(found, key=lambda other: other.stat().st_mtime, reverse=True):
        with suppress(UserError):
            epoch = int(read_tensors(other)["epoch"]) + 1
            return f"; {other.name} beside it is whole, of epoch {epoch}: go on from it by run=NEW ckpt_path={other}"
    return ""


def kept(folder: Path) -> dict[int, Path]:
    """Epoch (counted from 1) → checkpoint, the best one included.

    Raises:
        UserError: there is none.
    """
    if not (folder / "best.ckpt").is_file():
        raise UserError(f"{folder} holds no best.ckpt: the run did not finish an epoch; train first")
    found = {epoch_of(path): path for path in [*sorted(folder.glob("epoch-*.ckpt")), folder / "best.ckpt"]}
    return dict(sorted(found.items()))


def epoch_of(path: Path) -> int:
    return int(read(path)["epoch"]) + 1


def load(module: nn.Module, path: Path) -> None:
    """Put the weights into `module` and set it to evaluation.

    Raises:
        UserError: they are of another network.
    """
    try:
        module.load_state_dict(read(path)["state_dict"])
    except RuntimeError as error:
        raise UserError(f"{path} does not fit the configured network: {error}") from None
    module.eval()
