"""What torch saved, read weights-only, so that nothing in it can run."""

import pickle
from pathlib import Path
from typing import Any

import torch

from clinimcl.errors import UserError


def read_tensors(path: Path) -> Any:
    """
    Raises:
        UserError: the file is missing, damaged, or holds more than tensors and plain values.
    """
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError:
        raise UserError(f"no weights at {path}: expected a local file such as RUN/checkpoints/best.ckpt") from None
    except pickle.UnpicklingError:
        raise UserError(
            f"{path} is damaged or holds more than tensors and plain values, and loading it could run code: "
            "expected a state dict or a checkpoint of clinimcl"
        ) from None
    except Exception as error:  # what torch raises on bytes that are none of its own can be anything
        raise UserError(f"{path} is damaged or holds no weights: {type(error).__name__}") from None
