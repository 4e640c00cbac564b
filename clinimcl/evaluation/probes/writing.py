"""The probes as files of a run folder."""

import json
from pathlib import Path
from typing import Any

from clinimcl.evaluation.probes.measure import ProbeEvaluation
from clinimcl.files import write_json, write_text


def write_probes(probes: ProbeEvaluation, folder: Path) -> None:
    """Adds to evaluation.json and absent.json, where there are such; probes.csv holds the label curve."""
    entries = {name: metric.entry() for name, metric in probes.measured.items()}
    write_json(held(folder / "evaluation.json") | entries, folder / "evaluation.json")
    write_json(held(folder / "absent.json") | probes.absent, folder / "absent.json")
    write_text(probes.curve.to_csv(index=False), folder / "probes.csv")


def held(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}
