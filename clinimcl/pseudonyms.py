"""Names under which subjects appear in figures and reports, and outside of this machine."""

import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePath

from clinimcl.errors import UserError

LEAST_KEY = 16  # bytes


def pseudonyms(subjects: Iterable[str]) -> dict[str, str]:
    """Subject id → "subject 1", "subject 2", …, in order of first appearance."""
    return {subject: f"subject {number}" for number, subject in enumerate(dict.fromkeys(subjects), start=1)}


def keyed(subjects: Iterable[str], key: bytes) -> dict[str, str]:
    """Subject id → sixteen hex digits that only who holds the key can compute (HMAC-SHA256, RFC 2104)."""
    return {subject: hmac.digest(key, subject.encode(), "sha256").hex()[:16] for subject in subjects}


def read_key(path: Path) -> bytes:
    """The key in a file, which is made, readable by its owner alone, where there is none.

    Raises:
        UserError: the key is shorter than 16 bytes, or a folder.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder, expected the file of a key")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32) + "\n")
    key = path.read_bytes().strip()
    if len(key) < LEAST_KEY:
        raise UserError(
            f"{path} must hold a key of at least {LEAST_KEY} bytes, got {len(key)}: remove it for a new one"
        )
    return key


def shared_salt(folder: Path) -> str:
    """The one that is kept in a folder, made by the first who asks, though others ask at the same time."""
    path = folder / "salt"
    with tempfile.NamedTemporaryFile("w", dir=folder) as own, suppress(FileExistsError):
        own.write(secrets.token_hex(8))
        own.flush()
        os.link(own.name, path)
    return path.read_text()


def without_ids(text: str, path: str, names: dict[str, str]) -> str:
    """Takes a scan's path and file name, and every subject id that stands as a word, out of a sentence."""
    for private in (path, PurePath(path).name):
        text = text.replace(private, "the file") if private else text
    pattern = "|".join(re.escape(subject) for subject in sorted(names, key=len, reverse=True) if subject)
    return re.sub(rf"(?<!\w)(sub-)?({pattern})(?!\w)", lambda found: names[found[2]], text) if pattern else text
