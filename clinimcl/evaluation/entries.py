"""evaluation.json and absent.json of a run folder: what was measured, and why the rest was not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.storage.files import write_json

EVALUATION = "evaluation.json"
ABSENT = "absent.json"


def held(path: Path) -> dict[str, Any]:
    """What the file holds; nothing where there is none."""
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def add_entries(folder: Path, measured: Mapping[str, Metric], absent: Mapping[str, str]) -> None:
    """Each part of an evaluation adds its own, beside those of the parts before it."""
    add(folder / EVALUATION, {name: metric.entry() for name, metric in measured.items()})
    add(folder / ABSENT, absent)


def add(path: Path, entries: Mapping[str, object]) -> None:
    """Entries of the same name are replaced."""
    write_json({**held(path), **entries}, path)
