"""The files that make one scan: most often one, a folder of slices, or a header with its voxels beside it."""

import posixpath
import re
from itertools import product

from clinimcl.cohorts.files.endings import HEADERS, is_series, stem_of
from clinimcl.preparation.fetching import fetch, fetch_series, fingerprint
from clinimcl.preparation.formats import metaimage, nrrd
from clinimcl.preparation.formats.scan import UnusableScan
from clinimcl.storage.cache import Cache

HALF = re.compile(r"(?P<stem>.*)\.(?P<half>hdr|img)(?P<packed>\.gz)?", re.IGNORECASE | re.DOTALL)
OTHER_HALF = {"hdr": "img", "img": "hdr"}
DATA = (".raw", ".zraw", ".raw.gz", ".raw.bz2", ".gz", ".img", ".dat", ".bin")  # of the file behind a header


def fetch_scan(path: str, cache: Cache | None = None, stamp: str = "") -> list[bytes]:
    """All files of a scan: of a pair the header first.

    Raises:
        UnusableScan, UserError: as `fetch`, of either; or the header sends to a file that is not its own.
    """
    if is_series(path):
        return fetch_series(path, cache, stamp)
    pair = _pair(path)
    if pair:
        return [fetch(name, _what(path, name), cache, stamp) for name in pair]
    content = fetch(path, "the file", cache, stamp)
    beside = _data_file(path, content) if path.lower().endswith(HEADERS) else ""
    return [content, fetch(beside, "the file of its voxels", cache, stamp)] if beside else [content]


def scan_fingerprint(path: str) -> str:
    """As `fingerprint`, of all files of a scan."""
    names = _pair(path) or [path]
    if path.lower().endswith(HEADERS):
        names = [path, *(_stem(path) + ending for ending in DATA)]
    return " ".join(map(fingerprint, names))


def _pair(path: str) -> list[str]:
    """The header and the image, of whichever the path is; nothing where it is neither."""
    match = HALF.fullmatch(path)
    if match is None:
        return []
    half, packed = match["half"], match["packed"] or ""
    other = OTHER_HALF[half.lower()]
    spellings = dict.fromkeys([other.upper() if half.isupper() else other, other, other.upper()])
    endings = [f".{name}{gz}" for gz, name in product(dict.fromkeys([packed, "", ".gz"]), spellings)]
    names = [match["stem"] + ending for ending in endings]
    found = next((name for name in names if fingerprint(name) != "missing"), names[0])
    return [path, found] if half.lower() == "hdr" else [found, path]


def _what(path: str, name: str) -> str:
    if name == path:
        return "the file"
    return "its .img, which holds the voxels," if ".img" in name.lower()[-7:] else "its .hdr"


def _data_file(path: str, content: bytes) -> str:
    """Of a header; "" where its voxels lie in it. Only a file of the same name is taken."""
    reader = nrrd if path.lower().endswith(".nhdr") else metaimage
    name = reader.data_file_of(content).removeprefix("./")  # as some writers put it
    if name in ("", "LOCAL"):
        return ""
    folder, stem = posixpath.split(_stem(path))
    if name not in {stem + ending for ending in DATA}:
        raise UnusableScan(
            "its header sends to a file that is not named as itself: its voxels must lie beside it under its own name "
            f"with one of {', '.join(DATA)}, or SimpleITK writes both as .nii.gz"
        )
    return posixpath.join(folder, name)


def _stem(path: str) -> str:
    folder, name = posixpath.split(path)
    return posixpath.join(folder, stem_of(name))
