"""Checkpoints of a run: read weights-only, so that nothing in them can run."""

from pathlib import Path
from typing import Any

from torch import nn

from clinimcl.errors import UserError
from clinimcl.tensor_files import read_tensors


def read(path: Path) -> dict[str, Any]:
    """
    Raises:
        UserError: the file is missing, damaged, or holds more than tensors and plain values.
    """
    checkpoint = read_tensors(path)
    if not isinstance(checkpoint, dict) or not {"state_dict", "epoch"} <= set(checkpoint):
        raise UserError(f"{path} is no checkpoint of clinimcl: expected state_dict and epoch in it")
    return checkpoint


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
