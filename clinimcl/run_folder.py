"""What a run leaves behind besides its results: its configuration and how it ended."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def write_whole(path: Path, text: str) -> None:
    """All of the file or none of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


@contextmanager
def recorded(folder: Path, configuration: dict[str, Any]) -> Iterator[None]:
    """`config.yaml`, and a `status.json` that says running, then done or failed with the error."""
    from omegaconf import OmegaConf

    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(configuration)))
    _status(folder, "running")
    try:
        yield
    except BaseException as error:
        _status(folder, "failed", f"{type(error).__name__}: {error}")
        raise
    _status(folder, "done")


def _status(folder: Path, status: str, error: str = "") -> None:
    write_whole(folder / "status.json", json.dumps({"status": status} | ({"error": error} if error else {})))
