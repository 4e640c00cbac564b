"""Prepared arrays joined into larger files: a million are more than many a file system likes to open or to map."""

import errno
import io
import os
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import xxhash
from jaxtyping import Shaped

from clinimcl.errors import UserError

OPEN = 256  # shards that a process keeps open to read: most systems allow it 1,024 files


class Row(NamedTuple):
    """An array that lies in a shard."""

    shard: Path
    number: int
    scans: int  # of the whole shard

    def mapped(self) -> Shaped[np.ndarray, "a b c"]:
        """Memory-mapped with its whole shard: what was read of it once, each process of this machine has in memory.

        Raises:
            UserError: the process may open no more files.
            FileNotFoundError, EOFError, IndexError, ValueError: the shard is gone or damaged.
        """
        try:
            return _mapped(self.shard)[self.number]
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
            raise UserError(
                f"{self.shard.parent} has more shards than this process may have files open (ulimit -n): raise that "
                "limit, or prepare into another store with a larger scans_per_shard"
            ) from None

    def read_into(self, place: Shaped[np.ndarray, "a b c"]) -> bool:
        """Fill contiguous memory of the array's shape and type by a single read; whether there was as much.

        Raises:
            FileNotFoundError: the shard is gone.
        """
        start = len(header((self.scans, *place.shape), place.dtype.str)) + self.number * place.nbytes
        return os.preadv(_opened(self.shard).descriptor, [place.data.cast("B")], start) == place.nbytes


@final
class Shards:
    """Pairs of `<digest>.npy`, arrays one after another, and `<digest>.txt`, their keys, of which the digest is.

    Raises:
        UserError: the keys of a shard are missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths = sorted(folder.glob("*.npy"))
        keys = [_keys(path) for path in self._paths]
        self._scans = [len(own) for own in keys]
        joined = np.array([key for own in keys for key in own], dtype=np.bytes_)
        shard = np.repeat(np.arange(len(keys)), self._scans)
        first = np.cumsum([0, *self._scans])
        order = np.argsort(joined)
        self._keys, self._shard, self._number = (
            joined[order],
            shard[order],
            (np.arange(len(joined)) - first[shard])[order],
        )

    def find(self, key: str) -> Row | None:
        sought = key.encode()
        at = int(np.searchsorted(self._keys, np.bytes_(sought)))
        if at == len(self._keys) or self._keys[at] != sought:
            return None
        shard = self._shard[at]
        return Row(self._paths[shard], int(self._number[at]), self._scans[shard])

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process reads them itself."""
        return shards_in, (self._folder,)


def shards_in(folder: Path) -> Shards:
    """Those of a folder that may not exist, read once for all that a process does before the folder changes."""
    return _read(folder, folder.stat().st_mtime_ns if folder.is_dir() else 0)


def forget_files() -> None:
    """Those that are open and mapped."""
    _opened.cache_clear()
    _mapped.cache_clear()


@cache
def header(shape: tuple[int, ...], dtype: str) -> bytes:
    """What numpy writes before an array."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def name_of(keys: list[str]) -> str:
    return xxhash.xxh3_128_hexdigest("\n".join(keys).encode())


def _keys(shard: Path) -> list[str]:
    path = shard.with_suffix(".txt")
    keys = path.read_text().split("\n") if path.is_file() else []
    if name_of(keys) != shard.stem:
        raise UserError(
            f"{path} is missing or damaged (the digest of its keys must be its name): delete it and {shard.name}, and "
            "prepare again"
        )
    return keys


@lru_cache(maxsize=4)
def _read(folder: Path, changed: int) -> Shards:
    return Shards(folder)


@cache
def _mapped(shard: Path) -> np.ndarray:
    """Writable for torch, which warns of what is not; what would be written stays with the process."""
    return np.load(shard, mmap_mode="c", allow_pickle=False)


@lru_cache(OPEN)
def _opened(shard: Path) -> "_File":
    return _File(shard)


@final
class _File:
    """Open as long as someone reads it."""

    descriptor = -1

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
