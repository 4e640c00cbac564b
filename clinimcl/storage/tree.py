"""A cohort's files, on a local disk or behind any fsspec URL."""

import asyncio
import logging
import os
import posixpath
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import fsspec
import pandas as pd
from fsspec.asyn import AsyncFileSystem, sync

from clinimcl.errors import UserError
from clinimcl.storage.delimited import parse_table
from clinimcl.storage.pointers import dangling

# gcsfs reads this at import; its probe for zonal buckets can stall the first call for over a minute
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # it prints the traceback of what it raises

_EXTRAS = {"gs": "clinimcl[gcs]", "gcs": "clinimcl[gcs]", "s3": "s3fs", "az": "adlfs", "abfs": "adlfs"}

ANSWER_SECONDS = 10.0


_OF_SYSTEMS = frozenset({"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information"})


class Tree(NamedTuple):
    """A folder and every file below it, without hidden ones."""

    filesystem: fsspec.AbstractFileSystem
    root: str  # as the file system writes it, without protocol
    files: tuple[str, ...]  # relative to root, sorted

    def address(self, file: str) -> str:
        """The path (local) or URL by which another process finds the file."""
        return _address(self.filesystem, posixpath.join(self.root, file))

    def beside(self) -> list[str]:
        """Addresses of the files that lie next to the root, in its parent folder."""
        parent = posixpath.dirname(self.root)
        if not parent:
            return []
        try:
            entries = self.filesystem.ls(parent, detail=True)
        except OSError:  # a bucket or a parent folder that may not be listed
            return []
        names = [entry["name"] for entry in entries if entry["type"] != "directory"]
        return sorted(_address(self.filesystem, name) for name in names if not is_hidden(posixpath.basename(name)))

    def contents(self, files: Iterable[str]) -> dict[str, bytes]:
        """The bytes of several small files, fetched together where that is possible; unreadable ones are left out."""
        names = {posixpath.join(self.root, file): file for file in files}
        found = self.filesystem.cat(sorted(names), on_error="omit") if names else {}
        return {names[name]: content for name, content in found.items()}

    def table(self, file: str, separator: str = ",") -> pd.DataFrame:
        """A file as parse_table returns it.

        Raises: UserError where it cannot be read or is no table.
        """
        content = self.contents([file])
        if file not in content:
            raise UserError(f"{posixpath.basename(file)} {self.why_unreadable(file)}")
        return parse_table(content[file], posixpath.basename(file), separator)

    def why_unreadable(self, file: str) -> str:
        """The end of a sentence on a file that contents left out."""
        return dangling(self.address(file)) or "cannot be read"


def is_hidden(path: str) -> bool:
    """Whether a file or one of its folders is hidden, or one that an operating system adds.

    Those that a Mac writes beside each file of another disk (._scan.nii.gz) are of these.
    """
    return any(part in _OF_SYSTEMS or (part.startswith(".") and part.strip(".")) for part in path.split("/"))


def bucket_of(url: str) -> str:
    """What may be told of a URL: below its bucket, names may be those of subjects."""
    return "/".join(url.split("/")[:3])


def connect(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system that serves a path or URL, and the path as it writes it.

    Raises: UserError for a protocol that is unknown or whose package is not installed, or expired credentials.
    """
    if "://" not in url:
        return fsspec.filesystem("file"), os.path.abspath(os.path.expanduser(url))
    protocol, place = url.split("://")[0], bucket_of(url)
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        extra = _EXTRAS.get(protocol, f"the fsspec package of {protocol}://")
        raise UserError(
            f"{place}: {protocol}:// needs a package that is not installed ({error}); pip install '{extra}'"
        ) from error
    except ValueError as error:
        raise UserError(f"{place}: {error}; expected a local folder or a URL such as gs://bucket/folder") from error
    if protocol in ("gs", "gcs"):
        _refresh_credentials(filesystem, url)
    return filesystem, path


def _refresh_credentials(filesystem: fsspec.AbstractFileSystem, url: str) -> None:
    """Where there are any and they end soon. gcsfs would ask half a minute long, at each request."""
    from gcsfs.retry import HttpError, NonRetryableError
    from google.auth.exceptions import GoogleAuthError

    try:
        filesystem.credentials.maybe_refresh()
    except (GoogleAuthError, HttpError, NonRetryableError) as error:
        place, cause = bucket_of(url), error.__cause__ or error
        raise UserError(
            f"{place}: your credentials have expired or cannot be renewed ({type(cause).__name__}): log in again "
            "(gcloud auth application-default login), or check the file in GOOGLE_APPLICATION_CREDENTIALS"
        ) from error


def explore(url: str, obtain: str, *, seconds: float = ANSWER_SECONDS) -> Tree:
    """Everything below a root, listed once.

    Links to folders are followed on a local disk. A server has `seconds` to give its first answer.

    Args:
        obtain: sentence on how to get such data, for the error.

    Raises: UserError where there is no such folder or the server cannot be reached.
    """
    filesystem, root = connect(url)
    root = root.rstrip("/") or "/"
    if "://" not in url:
        if not os.path.isdir(root):
            raise UserError(f"no such folder: {url}. {obtain}")
        return Tree(filesystem, root, tuple(sorted(_walk(root))))
    with _reaching(url, obtain, seconds):
        _probe(filesystem, root, seconds)
        found = filesystem.find(root)
    names = (posixpath.relpath(name, root) for name in found)
    return Tree(filesystem, root, tuple(sorted(name for name in names if not is_hidden(name))))


def _walk(root: str) -> Iterable[str]:
    seen = set()  # a link may lead back up
    for folder, folders, names in os.walk(root, followlinks=True, onerror=_unlistable):
        place = os.stat(folder)
        if (place.st_dev, place.st_ino) in seen:
            folders.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        below = os.path.relpath(folder, root)
        shown = (name for name in names if not is_hidden(name))
        yield from (name if below == "." else f"{below}/{name}" for name in shown)


def _unlistable(error: OSError) -> None:
    raise UserError(f"a folder of the cohort cannot be listed: {error.strerror}") from error


def _probe(filesystem: fsspec.AbstractFileSystem, root: str, seconds: float) -> None:
    filesystem.invalidate_cache()  # clients are shared within a process and remember what they once listed
    if isinstance(filesystem, AsyncFileSystem):
        # wait_for bounds the client's own retries, which go on for half a minute and more
        sync(filesystem.loop, asyncio.wait_for, filesystem._info(root), seconds)
    else:
        filesystem.info(root)


@contextmanager
def _reaching(url: str, obtain: str, seconds: float) -> Iterator[None]:
    """Failures of a file system as sentences."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError) as error:
        link = "" if "://" in url else dangling(url)
        if link:
            raise UserError(f"{url} {link}") from error
        raise UserError(f"nothing found at {url}. {obtain}".strip()) from error
    except TimeoutError as error:
        raise UserError(
            f"{url}: no answer within {seconds:g} s; check the network, the address, your credentials and, where "
            "it is set, STORAGE_EMULATOR_HOST"
        ) from error
    except Exception as error:  # every client has its own exceptions for a refused or failed request
        raise UserError(
            f"{url} could not be read ({type(error).__name__}: {error}); check the address, the network and "
            "your credentials (for gs://: gcloud auth application-default login)"
        ) from error


def read_csv(address: str) -> pd.DataFrame:
    """A CSV file as parse_table returns it.

    Raises: UserError if there is no such file or it is not such a table.
    """
    return parse_table(read_bytes(address), address, ",")


def read_bytes(address: str) -> bytes:
    """A small file's content.

    Raises: UserError if there is no such file.
    """
    filesystem, path = connect(address)
    with _reaching(address, "", ANSWER_SECONDS):
        _probe(filesystem, path, ANSWER_SECONDS)
        return filesystem.cat_file(path)


def _address(filesystem: fsspec.AbstractFileSystem, path: str) -> str:
    return path if isinstance(filesystem, fsspec.get_filesystem_class("file")) else filesystem.unstrip_protocol(path)
