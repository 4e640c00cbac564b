"""Whole objects of a bucket: verified, and asked for again where the network failed."""

import asyncio
import base64
import hashlib
import posixpath
import random
import uuid
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, BinaryIO

from fsspec import AbstractFileSystem
from fsspec.asyn import AsyncFileSystem, get_loop, sync

from clinimcl.storage.tree import connect

Take = Callable[[bytes], object]

TRIES = 8
FIRST_WAIT, LONGEST_WAIT = 0.5, 16.0  # seconds, at most, before the second and before the last tries
SILENCE = 60.0  # seconds without a byte after which a request is given up
IN_FLIGHT = 32  # requests of one process
BUFFER = 2**20  # bytes of a request that may wait to be taken
PASSING = {408, 429, 500, 502, 503, 504}


class Failed(Exception):
    """An object could not be had; the message says why, without its name."""


class Missing(Failed):
    """There is no such object."""


class Denied(Failed):
    """The credentials are absent, have expired, or do not reach so far."""


class Unanswered(Failed):
    """The network or the server failed `TRIES` times."""


class Damaged(Unanswered):
    """A body did not come whole `TRIES` times."""


def download(url: str, file: BinaryIO) -> None:
    """The whole object becomes the content of `file`.

    Its length and checksum are compared with what a server of Google Cloud Storage says; other clients compare what
    they compare.

    Raises:
        Failed: `Missing` and `Denied` at once.
    """

    def begin() -> Take:
        file.seek(0)
        file.truncate()
        return file.write

    sync(get_loop(), _download, *connect(url), begin)


def read(urls: Iterable[str]) -> list[bytes]:
    """Whole objects, many at a time.

    Raises:
        Failed: as `download`.
    """
    return sync(get_loop(), _read, [connect(url) for url in urls])


def upload(content: bytes, url: str) -> None:
    """Write an object under another name, compare what arrived, and only then put it in its place.

    Raises:
        Exception: of the client's kinds; an OSError where something else arrived.
    """
    filesystem, place = connect(url)
    arriving = f"{place}.{uuid.uuid4().hex}.arriving"  # another writer may be at the same object
    make_folder(filesystem, place)
    filesystem.pipe_file(arriving, content)
    if not _arrived(content, filesystem, arriving):
        raise OSError("what arrived is not what was sent")
    filesystem.cp_file(arriving, place)
    filesystem.rm_file(arriving)


def make_folder(filesystem: AbstractFileSystem, place: str) -> None:
    """That in which an object is to be written, where there are folders: the clients of object stores are the
    asynchronous ones, and need no request."""
    if not isinstance(filesystem, AsyncFileSystem):
        filesystem.makedirs(posixpath.dirname(place), exist_ok=True)


def said(error: Exception) -> str:
    """What a client's error comes to, in its last line."""
    return str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__


async def _read(places: list[tuple[Any, str]]) -> list[bytes]:
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_content(*place)) for place in places]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]


async def _content(filesystem: Any, name: str) -> bytes:
    parts: list[bytes] = []

    def begin() -> Take:
        parts.clear()
        return parts.append

    await _download(filesystem, name, begin)
    return b"".join(parts)


async def _download(filesystem: Any, name: str, begin: Callable[[], Take]) -> None:
    """`begin` is called before each try, and gives what takes the bytes as they come."""
    once = _once_from_google if _is_google(filesystem) else _once
    for tried in range(1, TRIES + 1):
        try:
            async with _places(asyncio.get_running_loop()):
                await once(filesystem, name, begin())
            return
        except Unanswered:
            if tried == TRIES:
                raise
        await asyncio.sleep(_pause(tried))


def _pause(tried: int) -> float:
    """Drawn from the whole span, so that many who failed together do not return together."""
    return random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** (tried - 1)))


@lru_cache(maxsize=1)
def _places(loop: asyncio.AbstractEventLoop) -> asyncio.Semaphore:
    return asyncio.Semaphore(IN_FLIGHT)


def _is_google(filesystem: Any) -> bool:
    return "gs" in filesystem.protocol


def _arrived(content: bytes, filesystem: Any, place: str) -> bool:
    """By the checksum that the server tells; a server that tells none is asked for the bytes."""
    filesystem.invalidate_cache()
    told = filesystem.info(place).get("crc32c")
    if told is None:
        return read([filesystem.unstrip_protocol(place)]) == [content]
    import google_crc32c

    return base64.b64decode(told) == google_crc32c.Checksum(content).digest()


async def _once(filesystem: Any, name: str, take: Take) -> None:
    try:
        if isinstance(filesystem, AsyncFileSystem):
            content = await filesystem._cat_file(name)
        else:
            content = await asyncio.to_thread(filesystem.cat_file, name)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise Missing(type(error).__name__) from error
    except PermissionError as error:
        raise Denied(type(error).__name__) from error
    except Exception as error:  # every client has its own kinds
        raise Unanswered(type(error).__name__) from error
    take(content)


async def _once_from_google(filesystem: Any, name: str, take: Take) -> None:
    """Past gcsfs's own way, which retries by itself, does not compare checksums, and holds each object twice."""
    import aiohttp

    session = await filesystem._set_session()
    settings = {
        "params": filesystem._get_params({}),
        "headers": _authorised(filesystem),
        "timeout": aiohttp.ClientTimeout(total=None, sock_connect=SILENCE, sock_read=SILENCE),
        "read_bufsize": BUFFER,
    }
    try:
        async with session.get(filesystem.url(name), **settings) as response:
            _check_status(response)
            checksum, expected = _expected(response.headers)
            async for chunk in response.content.iter_any():
                checksum.update(chunk)
                take(chunk)
    except aiohttp.ClientPayloadError as error:
        raise Damaged("fewer bytes than announced") from error
    except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
        raise Unanswered(type(error).__name__) from error
    if checksum.digest() != expected:
        raise Damaged("the bytes do not fit their checksum")


def _authorised(filesystem: Any) -> dict[str, str]:
    from gcsfs.retry import HttpError, NonRetryableError
    from google.auth.exceptions import GoogleAuthError

    try:
        return filesystem._get_headers(None)
    except (HttpError, NonRetryableError):
        raise Denied("the credentials have expired") from None
    except GoogleAuthError as error:
        raise Unanswered(type(error).__name__) from error


def _check_status(response: Any) -> None:
    if response.status == 200:
        return
    kind = {404: Missing, 401: Denied, 403: Denied}.get(response.status, Failed)
    raise (Unanswered if response.status in PASSING else kind)(f"{response.status} {response.reason}")


def _expected(headers: Any) -> tuple[Any, bytes]:
    """A checksum that knows no byte yet, and what it must come to; of a server that tells none, that of nothing.

    Objects that are inflated on the way are told the checksum of what is stored.
    """
    import google_crc32c

    inflated = "Content-Encoding" in headers or headers.get("X-Goog-Stored-Content-Encoding", "identity") != "identity"
    told = ",".join([] if inflated else headers.getall("X-Goog-Hash", []))
    hashes = dict(part.strip().split("=", 1) for part in told.split(",") if "=" in part)
    if "crc32c" in hashes:
        return google_crc32c.Checksum(), base64.b64decode(hashes["crc32c"])
    if "md5" in hashes:
        return hashlib.md5(usedforsecurity=False), base64.b64decode(hashes["md5"])
    return _NoChecksum(), b""


class _NoChecksum:
    def update(self, chunk: bytes) -> None: ...

    def digest(self) -> bytes:
        return b""
