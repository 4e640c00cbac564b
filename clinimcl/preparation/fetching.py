"""A scan's bytes, from wherever they lie."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import xxhash

from clinimcl.cohorts.tree import connect
from clinimcl.errors import UserError
from clinimcl.preparation.reading import UnusableScan

MOST_BYTES = 2**31  # of a series together
MOST_SLICES = 8192


class UnreadableFile(UnusableScan):
    """The file system's fault, not the scan's."""


def is_series(path: str) -> bool:
    """Whether the scan is a folder of DICOM slices."""
    return path.endswith("/")


def fetch(path: str, what: str = "the file") -> bytes:
    """All of a file.

    Raises:
        UnusableScan: it is empty, or (UnreadableFile) cannot be read.
        UserError: the server that holds it does not answer.
    """
    file_system, name = connect(path)
    with _reading(path, what):
        content = file_system.cat_file(name)
    if not content:
        raise UnusableScan(f"{what} is empty")
    return content


def fetch_series(path: str) -> list[bytes]:
    """The .dcm files that lie in a folder, by name.

    Raises:
        UnusableScan, UserError: as `fetch`, and where there are none or absurdly many.
    """
    file_system, _ = connect(path)
    with _reading(path, "the folder"):
        sizes = _slices(path)
        if not sizes:
            raise UnusableScan("the folder holds no .dcm file")
        if len(sizes) > MOST_SLICES or sum(sizes.values()) > MOST_BYTES:
            raise UnusableScan(f"has an absurd size: {len(sizes)} slices of {sum(sizes.values())} bytes together")
        return file_system.cat_ranges(list(sizes), None, None, on_error="raise")


def fingerprint(path: str) -> str:
    """What changes when the file, or a file of the series, does; nothing is read for it."""
    file_system, name = connect(path)
    try:
        if not is_series(path):
            return _stamp(file_system.info(name))
        entries = file_system.ls(name.rstrip("/"), detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    stamps = [f"{entry['name']} {_stamp(entry)}" for entry in sorted(entries, key=itemgetter("name"))]
    return xxhash.xxh3_128_hexdigest("\n".join(stamps).encode())


def digest(raw: Sequence[bytes]) -> str:
    """The digest of a file's bytes; of a folder's that of its files', whatever their names and order."""
    digests = sorted(xxhash.xxh3_128_hexdigest(file) for file in raw)
    return digests[0] if len(digests) == 1 else xxhash.xxh3_128_hexdigest(" ".join(digests).encode())


@contextmanager
def _reading(path: str, what: str) -> Iterator[None]:
    """The file system's failures: those of one file set it aside, those of a server end the run."""
    try:
        yield
    except UnusableScan:
        raise
    except FileNotFoundError:
        raise UnreadableFile(f"{what} is not there") from None
    except IsADirectoryError:
        raise UnreadableFile(f"{what} is a folder: the path of a DICOM series ends with /") from None
    except Exception as error:  # every remote file system has its own kinds
        if "://" in path:
            raise UserError(
                f"{path.split('://')[0]}:// stopped answering ({type(error).__name__}: {error}): "
                "run again, what is prepared stays"
            ) from error
        raise UnreadableFile(f"{what} cannot be read ({type(error).__name__})") from error


def _slices(path: str) -> dict[str, int]:
    """Bytes of each .dcm file that lies in a folder, by name."""
    file_system, folder = connect(path)
    entries = file_system.ls(folder.rstrip("/"), detail=True)
    files = {entry["name"]: int(entry["size"]) for entry in entries if entry["type"] != "directory"}
    return {name: files[name] for name in sorted(files) if name.lower().endswith(".dcm")}


def _stamp(info: dict[str, Any]) -> str:
    return f"{info['size']}-{info.get('etag') or info.get('md5Hash') or info.get('mtime')}"
