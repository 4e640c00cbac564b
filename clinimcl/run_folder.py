"""What a run leaves behind besides its results: its configuration and how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clinimcl.evaluation.files import write_json, write_text


@contextmanager
def recorded(folder: Path, configuration: dict[str, Any]) -> Iterator[None]:
    """`config.yaml`, and a `status.json` that says running, then done or failed with the error."""
    from omegaconf import OmegaConf

    folder.mkdir(parents=True, exist_ok=True)
    write_text(OmegaConf.to_yaml(OmegaConf.create(configuration)), folder / "config.yaml")
    _status(folder, "running")
    try:
        yield
    except BaseException as error:
        _status(folder, "failed", f"{type(error).__name__}: {error}")
        raise
    _status(folder, "done")


def _status(folder: Path, status: str, error: str = "") -> None:
    write_json({"status": status} | ({"error": error} if error else {}), folder / "status.json")
