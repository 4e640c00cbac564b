"""The scanner's part as entries of a run folder's files."""

from pathlib import Path

from clinimcl.evaluation.probes.writing import held
from clinimcl.evaluation.scanner.measure import ScannerEvaluation
from clinimcl.files import write_json


def write_scanner(evaluation: ScannerEvaluation, folder: Path) -> None:
    """Adds to evaluation.json and absent.json, where there are such."""
    entries = {name: metric.entry() for name, metric in evaluation.measured.items()}
    write_json(held(folder / "evaluation.json") | entries, folder / "evaluation.json")
    write_json(held(folder / "absent.json") | evaluation.absent, folder / "absent.json")
