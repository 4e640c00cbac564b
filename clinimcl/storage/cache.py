"""What was fetched from a bucket, kept on a local disk up to a bound; what was used longest ago goes first."""

import errno
import fcntl
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, final

import xxhash

from clinimcl.errors import UserError
from clinimcl.storage import bucket

LEFT = 0.9  # of the bound, when something had to go


@final
class Cache:
    """Entries are found by URL and fingerprint (whatever changes with the object: etag, generation, checksum).

    A file is named by a digest of the two and one of its content, so that it tells nothing of what is in it, and
    damage is seen. Any number of processes may use one folder; what is arriving comes on top of the bound.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self._verified: set[str] = set()  # by this process
        self._given_up = False

    def check(self) -> None:
        """
        Raises:
            UserError: the folder cannot be written.
        """
        with self._told():
            self._make_folders()
            with _alone(self.folder / "bytes"):
                pass

    def read(self, urls: Sequence[str], fingerprint: str) -> list[bytes]:
        """The objects, in order. Where the folder is full or cannot be written, it goes on without, and says so once.

        Raises:
            bucket.Failed: as `bucket.download`.
        """
        kept = {url: self._content(_key(url, fingerprint)) for url in urls}
        contents = {url: content for url, content in kept.items() if content is not None}
        missing = [url for url in kept if url not in contents]
        for url, content in zip(missing, bucket.read(missing), strict=True):
            contents[url] = content
            self._keep(_key(url, fingerprint), content)
        return [contents[url] for url in urls]

    def path_of(self, url: str, fingerprint: str) -> Path:
        """A file with the object's bytes, which no other process fetches at the same time. Open it soon: it may go.

        Raises:
            UserError: the folder is full or cannot be written.
            bucket.Failed: as `bucket.download`.
        """
        key = _key(url, fingerprint)
        with self._told():
            path = self._sound(key)
            if path is None:
                path = self._enter(key, partial(_download, url))
        return path

    def paths_of(self, wanted: Sequence[tuple[str, str]]) -> list[Path]:
        """`path_of` each URL and fingerprint, many at a time."""
        with ThreadPoolExecutor(bucket.IN_FLIGHT) as pool:
            futures = [pool.submit(self.path_of, *one) for one in wanted]
            try:
                return [future.result() for future in futures]
            finally:
                pool.shutdown(cancel_futures=True)

    def _content(self, key: str) -> bytes | None:
        try:
            path = self._find(key)
            content = path.read_bytes() if path else b""
        except OSError:  # gone in between, or not to be read
            return None
        if path is None or xxhash.xxh3_64_hexdigest(content) != _digest_in(path):
            return None
        _touch(path)
        return content

    def _keep(self, key: str, content: bytes) -> None:
        if self._given_up or len(content) > self.most_bytes:
            return
        try:
            self._enter(key, partial(_write, content))
        except OSError as error:
            self._given_up = True
            print(f"cache={self.folder} cannot be written ({error.strerror}): going on without", file=sys.stderr)

    def _sound(self, key: str) -> Path | None:
        """The entry's file, compared with its digest when this process first asks for it."""
        path = self._find(key)
        with suppress(FileNotFoundError):  # it went in between
            if path is not None and (key in self._verified or _digest(path) == _digest_in(path)):
                _touch(path)
                self._verified.add(key)
                return path
        return None

    def _find(self, key: str) -> Path | None:
        return next(self._shelf(key).glob(f"{key}-*"), None)

    def _shelf(self, key: str) -> Path:
        return self.folder / "entries" / key[:3]

    def _enter(self, key: str, write: Callable[[BinaryIO], str]) -> Path:
        """`write` gives the digest of what it wrote."""
        self._make_folders()
        arriving = self.folder / "partial" / key
        with _alone(arriving) as file:
            found = self._sound(key)  # another process may have been quicker
            if found is not None:
                arriving.unlink()
                return found
            try:
                file.truncate(0)  # what a killed process left
                digest = write(file)
                file.flush()
                return self._place(key, arriving, digest)
            except BaseException:
                arriving.unlink(missing_ok=True)
                raise

    def _place(self, key: str, arriving: Path, digest: str) -> Path:
        path = self._shelf(key) / f"{key}-{digest}"
        with _alone(self.folder / "bytes") as book:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            damaged = self._find(key)
            if damaged is not None:
                damaged.unlink()
            self._make_room(book, arriving.stat().st_size)
            arriving.replace(path)
        self._verified.add(key)
        return path

    def _make_room(self, book: BinaryIO, size: int) -> None:
        """`book` holds the bytes of all entries; they are counted again whenever something must go."""
        if size > self.most_bytes:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        told = book.read()
        total = int(told) if told.isdigit() else self.most_bytes
        if total + size > self.most_bytes:
            entries = [(entry.stat(), entry) for entry in self.folder.glob("entries/*/*")]
            total = sum(stat.st_size for stat, _ in entries)
            for stat, entry in sorted(entries, key=lambda found: found[0].st_mtime_ns):
                if total + size <= LEFT * self.most_bytes:
                    break
                entry.unlink(missing_ok=True)
                total -= stat.st_size
        book.seek(0)
        book.truncate()
        book.write(b"%d" % (total + size))

    def _make_folders(self) -> None:
        for name in ("entries", "partial"):
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Failures of the disk as sentences."""
        try:
            yield
        except OSError as error:
            raise UserError(
                f"cache={self.folder}, which may hold {self.most_bytes} bytes, cannot take in an object "
                f"({error.strerror}): make room on the disk, change the bound, or name another folder"
            ) from error


def _key(url: str, fingerprint: str) -> str:
    return xxhash.xxh3_128_hexdigest(f"{url} {fingerprint}".encode())


def _digest_in(path: Path) -> str:
    return path.name.rpartition("-")[2]


def _digest(path: Path) -> str:
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, xxhash.xxh3_64).hexdigest()


def _write(content: bytes, file: BinaryIO) -> str:
    file.write(content)
    return xxhash.xxh3_64_hexdigest(content)


def _download(url: str, file: BinaryIO) -> str:
    bucket.download(url, file)
    file.flush()
    return _digest(Path(file.name))


def _touch(path: Path) -> None:
    with suppress(OSError):  # of a folder that may only be read; or it went in between
        os.utime(path)


@contextmanager
def _alone(path: Path) -> Iterator[BinaryIO]:
    """The file at `path`, made if it is not there, held by nobody else."""
    while True:
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):  # nobody moved it meanwhile
                file.seek(0)
                yield file
                return
