"""Prepared arrays joined into larger files: a million are more than many a file system likes to open or to map."""

import io
import os
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import xxhash
from jaxtyping import Shaped

from clinimcl.errors import UserError

OPEN = 200  # shards that a process keeps open to read, and as many that it maps: most systems allow it 1,024 files
KINDS = ("float16", "uint8")


class Shard(NamedTuple):
    """`<digest>.npy`, arrays of one kind one after another; `<digest>.txt`, which it digests, lists kind and keys."""

    path: Path
    dtype: str
    shape: tuple[int, ...]  # of one array
    scans: int

    @property
    def header(self) -> bytes:
        return header((self.scans, *self.shape), np.dtype(self.dtype).str)


class Row(NamedTuple):
    """An array that lies in a shard."""

    shard: Shard
    number: int

    def mapped(self) -> Shaped[np.ndarray, "..."]:
        """Memory-mapped with its whole shard: what one process of this machine has read, the others need not.

        Raises:
            FileNotFoundError: the shard is gone.
            ValueError: it is shorter than its list tells.
        """
        return _mapped(self.shard)[self.number]

    def array(self) -> Shaped[np.ndarray, "..."]:
        """As `mapped`.

        Raises:
            UserError: the shard is gone or too short.
        """
        try:
            return self.mapped()
        except (FileNotFoundError, ValueError):
            raise UserError(f"{self.shard.path} is missing or damaged: delete it and prepare again") from None

    def holds(self, expected: str) -> bool:
        """Whether the array is there and has this checksum."""
        try:
            return checksum(self.mapped()) == expected
        except (FileNotFoundError, ValueError):
            return False

    def read_into(self, place: Shaped[np.ndarray, "..."]) -> bool:
        """Fill contiguous memory by a single read; whether it is of the array's kind and the shard held as much.

        Raises:
            OSError: the shard cannot be read.
        """
        if (place.dtype.name, place.shape) != (self.shard.dtype, self.shard.shape):
            return False
        file = _opened(self.shard.path)
        start = len(self.shard.header) + self.number * place.nbytes
        return os.preadv(file.descriptor, [place.data.cast("B")], start) == place.nbytes


@final
class Shards:
    """Those of a folder, and where in them each key's array lies.

    Raises:
        UserError: a list is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        found = [_read_list(path) for path in sorted(folder.glob("*.npy"))]
        keys = np.array([key for _, own in found for key in own], dtype=np.bytes_)
        self._shards = [shard for shard, _ in found]
        lengths = [shard.scans for shard in self._shards]
        owner = np.repeat(np.arange(len(found)), lengths)
        number = np.arange(len(keys)) - np.cumsum([0, *lengths])[owner]
        order = np.argsort(keys)
        self._keys, self._owner, self._number = keys[order], owner[order], number[order]

    def find(self, key: str) -> Row | None:
        sought = np.bytes_(key.encode())
        at = int(np.searchsorted(self._keys, sought))
        if at == len(self._keys) or self._keys[at] != sought:
            return None
        return Row(self._shards[self._owner[at]], int(self._number[at]))

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process reads them itself."""
        return shards_in, (self._folder,)


def shards_in(folder: Path) -> Shards:
    """Those of a folder that may not exist, read once for all that a process does before the folder changes."""
    return _read(folder, folder.stat().st_mtime_ns if folder.is_dir() else 0)


def new_shard(folder: Path, like: Shaped[np.ndarray, "..."], keys: Sequence[str]) -> tuple[Shard, bytes]:
    """The one that arrays of this kind would make, and its list."""
    listed = "\n".join([" ".join(map(str, (like.dtype.name, *like.shape))), *keys]).encode()
    return Shard(folder / f"{_digest(listed)}.npy", like.dtype.name, like.shape, len(keys)), listed


def forget() -> None:
    """What is open, mapped and known, so that all is looked for again."""
    for known in (_opened, _mapped, _read):
        known.cache_clear()


@cache
def header(shape: tuple[int, ...], dtype: str) -> bytes:
    """What numpy writes before an array."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def checksum(array: Shaped[np.ndarray, "..."]) -> str:
    """Of the file that numpy would write, of contiguous memory."""
    digest = xxhash.xxh3_64(header(array.shape, array.dtype.str))
    digest.update(array.data)
    return digest.hexdigest()


def _read_list(path: Path) -> tuple[Shard, list[str]]:
    listed = path.with_suffix(".txt")
    content = listed.read_bytes() if listed.is_file() else b""
    if _digest(content) != path.stem:
        raise UserError(
            f"{listed} is missing or damaged (its digest must be its name): delete it and {path.name}, and prepare "
            "again"
        )
    kind, *keys = content.decode().split("\n")
    dtype, *shape = kind.split(" ")
    if dtype not in KINDS:
        raise UserError(f"{listed} lists arrays of {dtype}, expected {' or '.join(KINDS)}: prepare into another store")
    return Shard(path, dtype, tuple(map(int, shape)), len(keys)), keys


def _digest(content: bytes) -> str:
    return xxhash.xxh3_128_hexdigest(content)


@lru_cache(maxsize=4)
def _read(folder: Path, changed: int) -> Shards:
    return Shards(folder)


@lru_cache(OPEN)
def _mapped(shard: Shard) -> np.ndarray:
    return np.asarray(np.memmap(shard.path, shard.dtype, "r", len(shard.header), (shard.scans, *shard.shape)))


@lru_cache(OPEN)
def _opened(path: Path) -> "_File":
    return _File(path)


@final
class _File:
    """Open as long as someone holds it."""

    descriptor = -1

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
