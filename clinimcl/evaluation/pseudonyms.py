"""Names under which subjects appear in figures and reports."""

import re
from collections.abc import Iterable
from pathlib import PurePath


def pseudonyms(subjects: Iterable[str]) -> dict[str, str]:
    """Subject id → "subject 1", "subject 2", …, in order of first appearance."""
    return {subject: f"subject {number}" for number, subject in enumerate(dict.fromkeys(subjects), start=1)}


def without_ids(text: str, path: str, names: dict[str, str]) -> str:
    """Takes a scan's path and file name, and every subject id that stands as a word, out of a sentence."""
    for private in (path, PurePath(path).name):
        text = text.replace(private, "the file") if private else text
    pattern = "|".join(re.escape(subject) for subject in sorted(names, key=len, reverse=True) if subject)
    return re.sub(rf"(?<!\w)(sub-)?({pattern})(?!\w)", lambda found: names[found[2]], text) if pattern else text
