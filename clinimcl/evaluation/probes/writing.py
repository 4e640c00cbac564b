"""The probes as files of a run folder."""

from pathlib import Path

from clinimcl.evaluation.entries import add_entries
from clinimcl.evaluation.probes.measure import ProbeEvaluation
from clinimcl.storage.files import write_text


def write_probes(probes: ProbeEvaluation, folder: Path) -> None:
    """Adds to evaluation.json and absent.json; probes.csv holds the label curve."""
    add_entries(folder, probes.measured, probes.absent)
    write_text(probes.curve.to_csv(index=False), folder / "probes.csv")
