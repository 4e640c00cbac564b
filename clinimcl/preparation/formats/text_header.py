"""Headers in text: what NRRD and MetaImage files share."""

import math
import re
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from clinimcl.preparation.formats.nifti import check_end
from clinimcl.preparation.formats.orientation import Placement
from clinimcl.preparation.formats.scan import UnusableScan

MOST_HEADER = 2**16  # bytes


class Voxels(NamedTuple):
    """How they are stored."""

    shape: tuple[int, int, int]
    kind: np.dtype[Any]
    placement: Placement

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.kind.itemsize

    def behind(self, stored: bytes, skipped: int) -> Shaped[np.ndarray, "i j k"]:
        """Those that begin behind so many bytes; -1: those that end with the file."""
        begin = len(stored) - self.size if skipped == -1 else skipped
        if begin < 0:
            raise UnusableScan(f"truncated: {len(stored)} bytes of voxels, expected {self.size}")
        return self.of(stored, begin)

    def of(self, content: bytes, start: int = 0) -> Shaped[np.ndarray, "i j k"]:
        """Those in `content`, as numbers of this machine.

        Raises:
            UnusableScan: bytes are missing, or too many lie behind.
        """
        i, j, _ = self.shape
        check_end(content, start, self.size, i * j * self.kind.itemsize)
        voxels = np.frombuffer(content, self.kind, math.prod(self.shape), start)
        return voxels.reshape(self.shape, order="F").astype(self.kind.newbyteorder("="), copy=False)


def whole_number(text: str, field: str) -> int:
    """
    Raises:
        UnusableScan: not a whole number of a few digits.
    """
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise UnusableScan(f"damaged: its header has no whole number as {field}")
    return int(text)


def named(what: str, text: str, words: Collection[str]) -> str:
    """ "type block", for a sentence, or "an unknown type": but words of the format, a header may name a person."""
    return f"{what} {text}" if text in words else f"an unknown {what}"


def numbers(text: str, count: int, field: str) -> Float[np.ndarray, " number"]:
    """
    Raises:
        UnusableScan: not so many finite numbers.
    """
    try:
        values = np.array([float(word) for word in re.split(r"[\s,()]+", text.strip()) if word])
    except ValueError:
        values = np.array([])
    if values.shape != (count,) or not np.isfinite(values).all():
        raise UnusableScan(f"damaged: its header has no {count} numbers as {field}")
    return values


def whole_numbers(text: str, field: str) -> tuple[int, ...]:
    """
    Raises:
        UnusableScan: not whole numbers.
    """
    words = text.split()
    if not words or not all(re.fullmatch(r"[0-9]{1,9}", word) for word in words):
        raise UnusableScan(f"damaged: its header has no whole numbers as {field}")
    return tuple(map(int, words))


def affine_of(
    directions: Float[np.ndarray, "3 3"], origin: Float[np.ndarray, " 3"], signs: tuple[int, int, int]
) -> Float[np.ndarray, "4 4"]:
    """In RAS.

    Args:
        directions: a column for each stored axis, in mm. signs: of the axes of space, by which they become RAS.
    """
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = directions, origin
    return np.diag([*signs, 1.0]) @ affine
