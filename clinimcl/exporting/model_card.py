"""The card of an exported model: what it wants to see, and what people want to know of it."""

import importlib.metadata
from pathlib import Path
from typing import Any

import pandas as pd

from clinimcl.config.settings import ExportSettings, TrainSettings
from clinimcl.data.datamodule import LongitudinalDataModule
from clinimcl.encoders.provenance import check_new, read_contract
from clinimcl.evaluation.entries import EVALUATION, held
from clinimcl.evaluation.exported.section import of_run
from clinimcl.evaluation.groups.card import group_lines
from clinimcl.evaluation.groups.writing import KEY, without_groups
from clinimcl.evaluation.statistics.metrics import Absent, Metric
from clinimcl.evaluation.wording import label, number
from clinimcl.exporting.held_out import Measured
from clinimcl.harmonisation.numbers import FILE, read_harmonisation
from clinimcl.inference.card import Card, Input
from clinimcl.phantoms import truth
from clinimcl.preparation.pipeline import FieldOfView, VolumePipeline
from clinimcl.storage.files import write_text
from clinimcl.templates import filled

FLAGS = ("flagged_as_unfamiliar", "flagged_of_one_person", "flagged_of_two_people")
VERSIONS = ("clinimcl", "torch", "onnxruntime", "numpy", "nibabel")
THICKEST = 2.0  # voxels of the encoder's grid: detail that it was trained on is not there


def wanted(settings: TrainSettings, datamodule: LongitudinalDataModule, thickest: float | None) -> Input:
    pipeline = datamodule.pipeline
    volume = isinstance(pipeline, VolumePipeline)
    if thickest is None and isinstance(pipeline, FieldOfView):
        thickest = max(THICKEST * pipeline.field_of_view / pipeline.grid, *(pipeline.spacing or ()), 0.0)
    return Input(
        kind="volume" if volume else "clip",
        preparation=settings.preparation,
        slices=settings.loading["slices"],
        shape=list(datamodule.volumes.gather([0]).shape[2:]),
        thickest=thickest if volume else None,
    )


def known_people(settings: ExportSettings, scans: pd.DataFrame) -> int:
    """How many of those from whom calibration, limits and figures come trained the networks.

    Raises:
        UserError: there are such, and that is not allowed.
    """
    held_out = scans.loc[scans["split"] != "train", "subject"].unique().tolist()
    runs = [Path(run) for run in (settings.run, settings.identity) if run]
    return max(check_new(run / "checkpoints" / "best.ckpt", held_out, settings.allow_overlap) for run in runs)


def stated(settings: ExportSettings, datamodule: LongitudinalDataModule, tells_people: bool) -> dict[str, Any]:
    """What the user says of the model, or its cohorts."""
    knows_people = Path(settings.identity or settings.run) / "checkpoints" / "best.ckpt"
    return {
        "modality": settings.modality or ", ".join(sorted(datamodule.scans["modality"].unique())),
        "licence": settings.licence,
        "tells_people": _cohorts(knows_people) if tells_people else [],
    }


def _cohorts(checkpoint: Path) -> list[str]:
    """Those that trained it."""
    contract = read_contract(checkpoint)
    return contract.cohorts if contract else ["not stated"]


def told(run: Path, datamodule: LongitudinalDataModule, measured: Measured) -> dict[str, Any]:
    """What people want to know of the model."""
    scans = datamodule.scans
    counted = {
        split: {"subjects": int(own["subject"].nunique()), "scans": len(own)} for split, own in scans.groupby("split")
    }
    evaluation = held(run / EVALUATION)
    reported = {name: own.entry() for name, own in measured.outcomes.items() if isinstance(own, Metric)}
    return {
        "cohorts": _cohorts(run / "checkpoints" / "change.ckpt"),
        "generated": truth.read(datamodule.cohort.root) is not None,
        "counts": {str(split): own for split, own in counted.items()},
        "score": str(scans["score_name"].dropna().iloc[0]),
        "rule": datamodule.rule.sentence,
        "metrics": reported,
        "metrics_of_run": of_run(without_groups(evaluation)),
        "groups_of_run": evaluation.get(KEY, {}),
        "absent": {name: own.reason for name, own in measured.outcomes.items() if isinstance(own, Absent)},
        "reliability": measured.reliability.to_dict("records"),
        "versions": {name: importlib.metadata.version(name) for name in VERSIONS},
    }


def write_model_card(card: Card, folder: Path) -> None:
    """For people, as model cards are: Mitchell et al. 2019."""
    tables = [_rows(card.told[name]) for name in ("metrics", "metrics_of_run")]
    context = {"card": card, "parts": card.typed(), "tables": tables, "label": label}
    context["harmonised"] = read_harmonisation(folder / FILE) if (folder / FILE).is_file() else None
    context["groups"] = [group_lines(card.told[name]) for name in ("groups", "groups_of_run")]
    write_text(filled("clinimcl.inference", "model_card.md.j2", context, escaped=False), folder / "README.md")


def _rows(metrics: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Label, name, value with its interval, what a constant answer reaches, subjects; for a table in Markdown."""
    return [
        (
            label(name).replace("|", "\\|"),
            name,
            *(number(entry[key]) for key in ("value", "low", "high")),
            number(entry["majority"]) if "majority" in entry else "",
            entry["n_subjects"],
        )
        for name, entry in metrics.items()
    ]


def summary(card: Card) -> list[str]:
    """What is said at the end."""
    metrics = card.told["metrics"]
    lines = [card.typed().calibration.sentence]
    for name in ("exported_accuracy", "set_coverage", "exported_calibration_error", *FLAGS):
        if name in metrics:
            entry = metrics[name]
            lines.append(f"{label(name)}: {number(entry['value'])} ({number(entry['low'])}–{number(entry['high'])})")
    return lines
