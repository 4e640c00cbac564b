"""Results as files: whole or not at all."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from clinimcl.errors import UserError


def made_folder(path: Path, setting: str) -> Path:
    """The folder, made where there is none.

    Raises:
        UserError: it cannot be.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{setting}={path} cannot be made a folder ({error.strerror}): name another one") from None
    return path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place if nothing is raised."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(content: bytes, path: Path) -> None:
    with whole(path) as temporary:
        temporary.write_bytes(content)


def write_text(text: str, path: Path) -> None:
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(content: Mapping[str, object], path: Path) -> None:
    """Raises ValueError rather than write NaN, which JSON does not have."""
    write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", path)
