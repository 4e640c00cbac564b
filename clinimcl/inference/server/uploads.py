"""Two scans as a browser sends them → files, written as they come: memory holds a piece of one at a time."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, final

from clinimcl.cohorts.files.endings import HEADERS, PAIRS, unread_ending
from clinimcl.errors import UserError
from clinimcl.preparation.formats.decoding import ENDINGS

PATIENCE = 60.0  # seconds without a byte
MOST_FILES = 4000  # slices of both scans
MOST_FIELD = 1000  # bytes
FIELDS = ("earlier_date", "later_date", "earlier_scanner", "later_scanner", "pictures")
ROLES = ("earlier", "later")
HEADS, IMAGES = (".hdr", ".hdr.gz"), (".img", ".img.gz")  # of a volume in two files


def announced(headers: Any, most_bytes: int) -> int:
    """
    Raises:
        UserError: the size of the upload is not announced, or too large.
    """
    length = headers.get("content-length", "")
    if not length.isdigit() or "transfer-encoding" in headers:  # which would outdo the length
        raise UserError("the size of the upload must be announced")
    if int(length) > most_bytes:
        raise UserError(f"the two scans must have at most {most_bytes / 2**20:.0f} MiB together")
    return int(length)


async def received(request: Any, folder: Path) -> dict[str, Any]:
    """The fields, and for each role the path of the one file, or of the folder of several slices.

    Raises:
        UserError: one of the two scans is missing, what comes is no form, or the disk is full.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise UserError("the upload cannot be read: it must be a form with two files")
    try:
        with closing(Form(folder)) as form:
            parser = MultipartParser(options[b"boundary"], form.callbacks())
            async for piece in _pieces(request):
                parser.write(piece)
            return form.given()
    except TimeoutError:
        raise UserError(f"the upload was given up: nothing came for {PATIENCE:g} seconds") from None
    except FormParserError:
        raise UserError("the upload cannot be read: its form is damaged") from None
    except OSError as error:
        raise UserError(f"the upload cannot be stored ({error.strerror}): make room for temporary files") from None


async def _pieces(request: Any) -> AsyncIterator[bytes]:
    """Raises TimeoutError: who stopped sending would keep a place in the line for ever."""
    stream = aiter(request.stream())
    while True:
        try:
            piece = await asyncio.wait_for(anext(stream), PATIENCE)
        except StopAsyncIteration:
            return
        yield piece


@final
class Form:
    """Part after part. Files are stored under names of ours: of theirs only the ending stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._header, self._value, self._disposition = b"", b"", b""
        self._file: BinaryIO | None = None
        self._field = bytearray()
        self._fields: dict[str, bytearray] = {}
        self._files: dict[str, list[Path]] = {role: [] for role in ROLES}
        self._whole = False

    def callbacks(self) -> Any:
        """As the parser calls them: those that go on with bytes, and where in them to begin and to end."""
        return {
            "on_header_field": self._name_goes_on,
            "on_header_value": self._value_goes_on,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._part_begins,
            "on_part_data": self._part_goes_on,
            "on_part_end": self.close,
            "on_end": self._ends,
        }

    def given(self) -> dict[str, Any]:
        if not self._whole:
            raise UserError("the upload cannot be read: its form is cut short")
        for role, files in self._files.items():
            if not files:
                raise UserError(f"the {role} scan is missing: drop a file there")
        paths = {role: _scan_of(role, files) for role, files in self._files.items()}
        fields = {name: self._fields.get(name, b"").decode("utf-8", "replace") or None for name in FIELDS}
        return {**fields, **{role: str(path) for role, path in paths.items()}}

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _name_goes_on(self, data: bytes, start: int, end: int) -> None:
        self._header += _small(data, start, end, self._header)

    def _value_goes_on(self, data: bytes, start: int, end: int) -> None:
        self._value += _small(data, start, end, self._value)

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _part_begins(self) -> None:
        from python_multipart.multipart import parse_options_header

        options = parse_options_header(self._disposition)[1]
        self._disposition = b""
        name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = options.get(b"filename", b"").decode("utf-8", "replace")
        if name in ROLES and filename:
            self._file = (Path(os.devnull) if _is_hidden(filename) else self._new_file(name, filename)).open("wb")
        self._field = bytearray()
        if name in FIELDS:
            self._fields[name] = self._field

    def _part_goes_on(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(memoryview(data)[start:end])
        else:
            self._field += _small(data, start, end, self._field)

    def _ends(self) -> None:
        self._whole = True

    def _new_file(self, role: str, name: str) -> Path:
        if sum(map(len, self._files.values())) == MOST_FILES:
            raise UserError(f"the upload cannot be read: it has more than {MOST_FILES} files")
        ending = next((known for known in ENDINGS if name.lower().endswith(known)), unread_ending(name))
        path = self._folder / role / f"{len(self._files[role]):04d}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._files[role].append(path)
        return path


def _refuse_parts(role: str, files: list[Path]) -> None:
    """
    Raises:
        UserError: one of two files of a scan came, or both, of which the header names the other.
    """
    kinds = HEADERS + (PAIRS if len(files) == 1 else HEADS)  # slices may end with .img
    ending = next((kind for file in files for kind in kinds if file.name.endswith(kind)), None)
    if ending is not None:
        raise UserError(
            f"the {role} scan must be one file, or the slices of a DICOM series, got a {ending}, which is one of "
            "the two files of a scan: save it as .nii.gz (nibabel, mrconvert, SimpleITK), or use "
            "python -m clinimcl.predict, which finds the other one beside it"
        )


def _small(data: bytes, start: int, end: int, before: bytes | bytearray) -> bytes:
    """What goes on after `before`.

    Raises:
        UserError: it becomes too long.
    """
    if len(before) + end - start > MOST_FIELD:
        raise UserError(f"the upload cannot be read: a field has more than {MOST_FIELD} bytes")
    return data[start:end]


def _is_hidden(name: str) -> bool:
    """As those are that a Mac lays beside each file of a foreign disk."""
    return re.split(r"[\\/]", name)[-1].startswith(".")


def _scan_of(role: str, files: list[Path]) -> Path:
    """The one file, the header of two that belong together, or the folder of slices."""
    headers, images = ([file for file in files if file.name.endswith(kind)] for kind in (HEADS, IMAGES))
    if len(files) == 2 and len(headers) == len(images) == 1:
        header, image = headers[0], images[0]
        image.rename(header.with_name(header.name.partition(".")[0] + "".join(image.suffixes)))
        return header
    _refuse_parts(role, files)
    return files[0] if len(files) == 1 else files[0].parent
