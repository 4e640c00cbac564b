"""What file names in the manner of BIDS say."""

import re
from collections.abc import Iterator, Sequence

_ENDINGS = (".nii.gz", ".nii", ".hdr.gz", ".hdr")


def entities(name: str) -> str:
    """What tells a session's scans apart: "" , "01" (a run alone) or "acq-mprage_run-01".

    >>> entities("sub-01_ses-a_run-02_T1w.nii.gz")
    '02'
    """
    parts = [part for part in name.split("_")[:-1] if "-" in part]
    own = [part for part in parts if not part.startswith(("sub-", "ses-", "sess-"))]
    return own[0].removeprefix("run-") if len(own) == 1 and own[0].startswith("run-") else "_".join(own)


def once(files: Sequence[str]) -> list[str]:
    """The files, each volume once, where it lies there under several endings of one name.

    Compressed goes before uncompressed, and one file before a pair (.hdr of .hdr and .img).
    """
    ranked = {file: found for file in files if (found := _ranked(file))}
    first: dict[str, int] = {}
    for rank, stem in ranked.values():
        first[stem] = min(rank, first.get(stem, rank))
    return [file for file in files if file not in ranked or ranked[file][0] == first[ranked[file][1]]]


def _ranked(file: str) -> tuple[int, str] | None:
    """How late a volume's ending comes, and its path without it."""
    name = file.lower()
    ranks = (rank for rank, ending in enumerate(_ENDINGS) if name.endswith(ending))
    rank = next(ranks, None)
    return None if rank is None else (rank, file[: -len(_ENDINGS[rank])])


def folders_like(files: Sequence[str], scan: re.Pattern[str]) -> int:
    """How many folders with something in them are named as the pattern finds a scan's file to be."""
    folders = {folder for file in {file.rpartition("/")[0] for file in files} for folder in _upward(file)}
    return sum(scan.search(folder) is not None for folder in folders)


def _upward(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
