"""What torch saves: read weights-only, so that nothing in it can run; written whole, with a digest of itself."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch
import xxhash

from clinimcl.errors import UserError
from clinimcl.storage.files import write_bytes

SEAL = b"xxh3_128="  # then 32 hexadecimal digits: the comment at the end of the zip archive that torch writes


def write_tensors(content: Any, path: Path) -> None:
    """The file is there whole or not at all, and tells when a bit of it is lost later."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    saved = buffer.getvalue()[:-2]  # the last two bytes are the length of the comment, which is empty
    digest = _digest(saved)
    write_bytes(saved + len(digest).to_bytes(2, "little") + digest, path)


def read_tensors(path: Path) -> Any:
    """
    Raises:
        UserError: the file is missing, damaged, or holds more than tensors and plain values.
    """
    try:
        content = path.read_bytes()
        _check(content, path)
        return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except FileNotFoundError:
        raise UserError(f"no weights at {path}: expected a local file such as RUN/checkpoints/best.ckpt") from None
    except pickle.UnpicklingError:
        raise UserError(
            f"{path} is damaged or holds more than tensors and plain values, and loading it could run code: "
            "expected a state dict or a checkpoint of clinimcl"
        ) from None
    except UserError:
        raise
    except Exception as error:  # what torch raises on bytes that are none of its own can be anything
        raise UserError(f"{path} is damaged, cut short, or holds no weights ({type(error).__name__})") from None


def _check(content: bytes, path: Path) -> None:
    """Files of others have no digest, and are taken as they are."""
    place = content.rfind(SEAL, max(0, len(content) - len(SEAL) - 32))
    if place >= 0 and content[place:] != _digest(content[: place - 2]):
        raise UserError(f"{path} is damaged: it is not what was written, as its digest tells")


def _digest(saved: bytes) -> bytes:
    return SEAL + xxhash.xxh3_128_hexdigest(saved).encode()
