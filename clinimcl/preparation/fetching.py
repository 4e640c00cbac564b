"""A scan's bytes, from wherever they lie."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import Any

import xxhash

from clinimcl.cohorts.files.endings import VOLUMES, is_series
from clinimcl.errors import UserError
from clinimcl.preparation.formats.dicom.dicom import HEAD, is_dicom
from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.storage import bucket
from clinimcl.storage.cache import Cache
from clinimcl.storage.overlap import waiting
from clinimcl.storage.pointers import dangling, unfetched
from clinimcl.storage.tree import bucket_of, connect

MOST_BYTES = 2**31  # of a series together
MOST_SLICES = 8192
SLICES = (".dcm", ".dicom", ".ima")
DEEPEST, MOST_FOLDERS = 4, 1000  # where slices are looked for, to say that they lie there
MOST_REQUESTS = 32  # for that, of a server
PIPE = "is a pipe or a device, expected a file"  # which might never end
NAMED_LIKE_A_SCAN = "is a folder that is named like a scan, as some programs unpack one: give the file within it"


class UnreadableFile(UnusableScan):
    """The file system's fault, not the scan's."""


def fetch(path: str, what: str = "the file", cache: Cache | None = None, fingerprint: str = "") -> bytes:
    """All of a file; what lies behind a URL goes through the cache, where it is told apart by its fingerprint.

    Raises:
        UnusableScan: it is empty, or (UnreadableFile) cannot be read.
        UserError: the server that holds it does not answer, or refuses.
    """
    with _reading(path, what):
        if "://" not in path and _is_pipe(path):
            raise UnreadableFile(f"{what} {PIPE}")
        content = _contents([path], cache, fingerprint)[0]
    if not content:
        raise UnusableScan(f"{what} is empty")
    return content


def fetch_series(path: str, cache: Cache | None = None, fingerprint: str = "") -> list[bytes]:
    """The .dcm files that lie in a folder, by name; of a local one without any, those that are DICOM by content.

    Hidden files are none: a Mac lays a `._` file beside each that it writes to a foreign disk.

    Raises:
        UnusableScan, UserError: as `fetch`, and where there are none or absurdly many.
    """
    with _reading(path, "the folder"):
        with waiting():
            sizes = _slices(path)
        if not sizes and path.rstrip("/").lower().endswith(VOLUMES):
            raise UnusableScan(NAMED_LIKE_A_SCAN)
        if not sizes:
            with waiting():
                deeper = _deeper(path)
            other = "" if "://" in path else " and no other DICOM file"
            raise UnusableScan(f"the folder holds no .dcm file{other}{deeper}")
        if len(sizes) > MOST_SLICES or sum(sizes.values()) > MOST_BYTES:
            raise UnusableScan(f"has an absurd size: {len(sizes)} slices of {sum(sizes.values())} bytes together")
        return _contents(list(sizes), cache, fingerprint)


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


class _Unfetched(Exception):
    """The end of a sentence on a file whose content is elsewhere."""


def _contents(addresses: Sequence[str], cache: Cache | None, fingerprint: str) -> list[bytes]:
    """Meanwhile, other scans of this process are worked at."""
    if any("://" in address for address in addresses):
        with waiting() as came:
            contents = cache.read(addresses, fingerprint) if cache else bucket.read(addresses)
            came(sum(map(len, contents)))
    else:
        contents = [Path(connect(address)[1]).read_bytes() for address in addresses]
    for pointer in filter(None, map(unfetched, contents)):
        raise _Unfetched(pointer)
    return contents


@contextmanager
def _reading(path: str, what: str) -> Iterator[None]:
    """The file system's failures: those of one file set it aside, those of a server end the run."""
    try:
        yield
    except (UnusableScan, UserError):
        raise
    except _Unfetched as error:
        raise UnreadableFile(f"{_file_of(path, what)} {error}") from None
    except FileNotFoundError as error:
        link = dangling(str(error.filename))
        raise UnreadableFile(f"{_file_of(path, what)} {link}" if link else f"{what} is not there") from None
    except bucket.Missing:
        raise UnreadableFile(f"{what} is not there") from None
    except IsADirectoryError:
        if path.lower().endswith(VOLUMES):
            raise UnreadableFile(NAMED_LIKE_A_SCAN) from None
        raise UnreadableFile(f"{what} is a folder: the path of a DICOM series ends with /") from None
    except bucket.Damaged as error:
        raise UnreadableFile(f"{what} arrives damaged each time ({error})") from None
    except bucket.Denied as error:
        raise UserError(
            f"{bucket_of(path)} may not be read ({error}): check your credentials (for gs://: gcloud auth "
            "application-default login) and their right to read objects; what is prepared stays"
        ) from None
    except Exception as error:  # every remote file system has its own kinds
        if "://" in path:
            why = str(error) if isinstance(error, bucket.Failed) else f"{type(error).__name__}: {error}"
            raise UserError(
                f"{bucket_of(path)} stopped answering ({why}): run again, what is prepared stays"
            ) from error
        raise UnreadableFile(f"{what} cannot be read ({type(error).__name__})") from error


def _file_of(path: str, what: str) -> str:
    return "a file of the folder" if is_series(path) else what


def _slices(path: str) -> dict[str, int]:
    """Bytes of each slice that lies in a folder, by address."""
    file_system, folder = connect(path)
    entries = file_system.ls(folder.rstrip("/"), detail=True)
    files = {
        entry["name"]: int(entry["size"])
        for entry in entries
        if entry["type"] != "directory" and not PurePosixPath(entry["name"]).name.startswith(".")
    }
    pipes = {entry["name"] for entry in entries if entry["type"] == "other" and _is_pipe(entry["name"])}
    names = [name for name in sorted(files) if name.lower().endswith(SLICES)]
    if not pipes.isdisjoint(names):
        raise UnreadableFile(f"a file of the folder {PIPE}")
    if not names and "://" not in path:
        names = [name for name in sorted(files.keys() - pipes) if is_dicom(_head(name))]
    return {file_system.unstrip_protocol(name) if "://" in path else name: files[name] for name in names}


def _deeper(path: str) -> str:
    """What to say where its slices lie in folders of the folder."""
    file_system, folder = connect(path)
    deep, most = 0, MOST_REQUESTS if "://" in path else MOST_FOLDERS
    for place, _, files in islice(file_system.walk(folder.rstrip("/"), maxdepth=DEEPEST), most):
        names = [name for name in sorted(files) if not name.startswith(".")]
        found = any(name.lower().endswith(SLICES) for name in names)
        if not found and names and "://" not in path:
            found = _is_slice(f"{place}/{names[0]}")
        deep += found
    if not deep:
        return ""
    return f": its slices lie deeper, in {deep} folder{'s' if deep > 1 else ''} of it, each of which is a series"


def _is_pipe(path: str) -> bool:
    place = Path(path)
    return place.exists() and not (place.is_file() or place.is_dir())


def _is_slice(path: str) -> bool:
    """Whether it can be read, and is DICOM."""
    try:
        return not _is_pipe(path) and is_dicom(_head(path))
    except OSError:
        return False


def _head(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(HEAD)


def _stamp(info: dict[str, Any]) -> str:
    return f"{info['size']}-{info.get('etag') or info.get('ETag') or info.get('md5Hash') or info.get('mtime')}"
