"""The prepared store: one checksummed array file a scan, and a table. Everything is written whole or not at all."""

import errno
import fcntl
import io
import json
import os
import shutil
import sys
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pandas as pd
import xxhash
from jaxtyping import Float16, Shaped

from clinimcl.errors import UserError
from clinimcl.preparation.store.shards import Row, Shards, forget, header, new_shard, shards_in
from clinimcl.preparation.store.shards import checksum as checksum_of
from clinimcl.preparation.store.uint8 import unpacked

TABLE = "scans.parquet"
SET_ASIDE = "set_aside.csv"
AUDIT = "match_audit.csv"
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Record(NamedTuple):
    """What the preparation of one scan left."""

    fingerprint: str  # size and time of the source: unchanged, the source need not be read again
    pipeline: str  # digest of the parameters
    content: str  # digest of the source's bytes
    key: str  # name of the array, from content, mask and pipeline; "" when set aside
    checksum: str  # xxh3 of the array's file
    reason: str  # why the scan was set aside, "" if it was not
    remark: str = ""  # how it was read, where a user must know that


class Store:
    """A folder of `arrays/<key>.npy`, `scans.parquet` and `set_aside.csv`; some arrays may lie in `shards/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = str(folder)  # for people
        self._verified: set[str] = set()

    def has(self, key: str) -> bool:
        return self._row(key) is not None or self._array(key).is_file()

    def put(self, key: str, array: Shaped[np.ndarray, "a b c"]) -> str:
        """Write the array, of float16 or packed; return its checksum."""
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
        self._write(self._array(key), buffer.getvalue())
        return xxhash.xxh3_64_hexdigest(buffer.getvalue())

    def bring(self, arrays: Sequence[tuple[str, str]]) -> None:
        """Arrays by key and checksum that will be read next."""

    def checksum(self, key: str) -> str:
        row = self._row(key)
        if row is None:
            return xxhash.xxh3_64_hexdigest(self._array(key).read_bytes())
        return checksum_of(row.array())

    def get(self, key: str, checksum: str) -> Float16[np.ndarray, "a b c"]:
        """The intensities; memory-mapped, if they are not packed.

        Raises:
            UserError: as `stored`.
        """
        array = self.stored(key, checksum)
        return array if array.dtype == np.float16 else unpacked(array)

    def stored(self, key: str, checksum: str) -> Shaped[np.ndarray, "a b c"]:
        """The array, memory-mapped; its checksum is compared the first time that this process reads it.

        Raises:
            UserError: the file is not what was written.
        """
        array = self._mapped(key, checksum)
        if array is None:
            self._look_again()
            array = self._mapped(key, checksum)
        if array is None:
            row = self._row(key)
            path = self._file(key, checksum) if row is None else row.shard.path
            raise UserError(
                f"{path} is missing or damaged (its checksum must be {checksum}): delete it and prepare again"
            )
        self._verified.add(key)
        return array

    def read_into(self, key: str, checksum: str, place: Shaped[np.ndarray, "..."]) -> None:
        """Fill `place`, contiguous memory of the array's shape and type: one copy; a mapped file would keep its pages.

        Raises:
            UserError: as `stored`.
        """
        expected = header(place.shape, place.dtype.str)
        first, numbers = bytearray(expected), place.data.cast("B")
        row = self._row(key)
        try:
            if row is None:
                with self._file(key, checksum).open("rb", buffering=0) as file:
                    whole = file.readinto(first) == len(first) and file.readinto(numbers) == len(numbers)
            else:
                whole = row.read_into(place)
        except OSError:
            whole = False
        if whole and first == expected and (key in self._verified or checksum_of(place) == checksum):
            self._verified.add(key)
        else:
            self._verified.discard(key)
            place[...] = self.stored(key, checksum)  # written in another order of axes, joined to others, or damaged

    def in_shards(self, arrays: Sequence[tuple[str, str]]) -> list[Row] | None:
        """Where arrays, by key and checksum, lie in shards, each as it was written; None if one lies by itself.

        Raises:
            UserError: as `stored`.
        """
        if any(self._row(key) is None for key, _ in arrays):
            return None
        for array in arrays:
            self.stored(*array)
        rows = [row for key, _ in arrays if (row := self._row(key)) is not None]
        return rows if len(rows) == len(arrays) else None

    def join(self, arrays: Iterable[tuple[str, str]], scans: int) -> int:
        """Put arrays, by key and checksum, into shards of so many each; the number of those that lay by themselves.

        A process that reads them meanwhile finds them, and where this one is killed the next goes on. An array's own
        file goes when the shard has shown its checksum.

        Raises:
            UserError: an array is damaged, or of another kind than those before it; the folder cannot be written.
        """
        once = dict(arrays)
        with self._held():
            self._look_again()
            rows = {key: self._row(key) for key in once}
            self._leave({key: row for key, row in rows.items() if row is not None}, once)
            alone = [(key, checksum) for key, checksum in once.items() if rows[key] is None]
            for start in range(0, len(alone), scans):
                self._leave(self._write_shard(alone[start : start + scans]), once)
            self._look_again()
        return len(alone)

    def prepared(self) -> bool:
        """Whether there is a table."""
        return (self.folder / TABLE).is_file()

    def table(self) -> pd.DataFrame:
        """The scan table as it was last prepared.

        Raises:
            UserError: it is damaged.
        """
        return read_table(self.folder / TABLE, self.place)

    def write_table(self, scans: pd.DataFrame) -> None:
        buffer = io.BytesIO()
        scans.to_parquet(buffer, index=False)
        self._write(self.folder / TABLE, buffer.getvalue())
        aside = scans.loc[scans["reason"] != "", ["subject", "path", "reason"]]
        self._write(self.folder / SET_ASIDE, aside.to_csv(index=False).encode())

    def write_audit(self, audit: pd.DataFrame) -> None:
        """How each scan came to its score; no file where nothing was matched."""
        if len(audit):
            with self._held():
                self._write(self.folder / AUDIT, audit.to_csv(index=False).encode())

    @contextmanager
    def preparing(self) -> Iterator["Ledger"]:
        """Hold the store for one preparation, after any other has ended; the ledger of a killed one is taken up again.

        Raises:
            UserError: the folder cannot be written.
        """
        with self._held():
            yield Ledger(self.folder / "ledger.jsonl")

    @contextmanager
    def _held(self) -> Iterator[None]:
        """By one process at a time, which may take away what a killed one has partly written."""
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"waiting for another process that prepares into {self.folder}", file=sys.stderr, flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.rmtree(self.folder / "partial", ignore_errors=True)
            yield
            shutil.rmtree(self.folder / "partial", ignore_errors=True)

    def _mapped(self, key: str, checksum: str) -> Shaped[np.ndarray, "a b c"] | None:
        row = self._row(key)
        try:
            if row is not None:
                array = row.mapped()
                return array if key in self._verified or checksum_of(array) == checksum else None
            path = self._file(key, checksum)
            if key in self._verified or xxhash.xxh3_64_hexdigest(path.read_bytes()) == checksum:
                return np.load(path, mmap_mode="r", allow_pickle=False)
        except UserError:
            raise
        except (FileNotFoundError, ValueError):
            pass
        return None

    def _file(self, key: str, checksum: str) -> Path:
        """Where the array can be read, if it lies by itself."""
        return self._array(key)

    def _array(self, key: str) -> Path:
        return self.folder / "arrays" / f"{key}.npy"

    def _row(self, key: str) -> Row | None:
        """Where the array lies, if it was joined to others."""
        return self._shards.find(key)

    @cached_property
    def _shards(self) -> Shards:
        return shards_in(self.folder / "shards")

    def _look_again(self) -> None:
        """For shards that another process has written, or the user has taken away."""
        forget()
        self._verified.clear()
        self.__dict__.pop("_shards", None)

    def _write_shard(self, arrays: Sequence[tuple[str, str]]) -> dict[str, Row]:
        first = self.stored(*arrays[0])
        keys = [key for key, _ in arrays]
        shard, listed = new_shard(self.folder / "shards", first, keys)
        with self._whole(shard.path) as file:
            file.write(shard.header)
            for key, checksum in arrays:
                array = np.ascontiguousarray(self.stored(key, checksum))
                if (array.shape, array.dtype, checksum_of(array)) != (first.shape, first.dtype, checksum):
                    raise UserError(
                        f"{self._array(key)} is {array.dtype} {array.shape}, expected {first.dtype} {first.shape} in C "
                        "order, as other arrays that are joined: delete it and prepare again"
                    )
                file.write(array.data)
            self._write(shard.path.with_suffix(".txt"), listed)
        with _writing(self.folder):
            folder = os.open(shard.path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        return {key: Row(shard, number) for number, key in enumerate(keys)}

    def _leave(self, rows: dict[str, Row], checksums: dict[str, str]) -> None:
        """Take away the own files of arrays that shards hold."""
        for key, row in rows.items():
            own = self._array(key)
            if own.is_file() and row.holds(checksums[key]):
                own.unlink()

    def _write(self, path: Path, content: bytes) -> None:
        with self._whole(path) as file:
            file.write(content)

    @contextmanager
    def _whole(self, path: Path) -> Iterator[IO[bytes]]:
        """Written whole or not at all. The store is held, by this process or the one that it works for."""
        temporary = self.folder / "partial" / uuid.uuid4().hex
        with _writing(self.folder):
            try:
                temporary.parent.mkdir(parents=True, exist_ok=True)
                path.parent.mkdir(parents=True, exist_ok=True)
                with temporary.open("wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)


def read_table(source: Path | io.BytesIO, store: str) -> pd.DataFrame:
    """
    Raises:
        UserError: it is not one.
    """
    try:
        return pd.read_parquet(source)
    except (ValueError, OSError):
        raise UserError(
            f"{store}/{TABLE} is damaged, expected a table of scans: delete it and prepare again; arrays stay"
        ) from None


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Failures of the disk as sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise UserError(
                f"store={folder} has no space left ({error.strerror}): free some or name another store; "
                "what is prepared stays"
            ) from error
        raise UserError(f"store={folder} cannot be written ({error.strerror}): name another store") from error


class Ledger:
    """What a running preparation has done so far, a line a scan, so that a killed one need not read it again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Record]:
        """The records by path; the line that a kill cut short is left out."""
        records = {}
        with suppress(FileNotFoundError):
            for line in self._path.read_text().splitlines():
                with suppress(ValueError, TypeError):
                    path, *record = json.loads(line)
                    records[path] = Record(*record)
        return records

    def add(self, path: str, record: Record) -> None:
        with _writing(self._path.parent), self._path.open("a") as file:
            file.write(json.dumps([path, *record]) + "\n")

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
