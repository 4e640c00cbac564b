"""The report of a run: one HTML file that needs nothing beside it, and its figures as PNGs."""

import base64
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from clinimcl.evaluation.change.context import change_context
from clinimcl.evaluation.change.figures import change_figures
from clinimcl.evaluation.change.measure import ChangeEvaluation
from clinimcl.evaluation.contrastive.comparison import gaps_figure, retrieval_figure
from clinimcl.evaluation.contrastive.curves import curves_figure, epochs_metrics_figure
from clinimcl.evaluation.contrastive.inputs import Embedded
from clinimcl.evaluation.contrastive.measure import EPOCH_METRICS, Evaluation
from clinimcl.evaluation.contrastive.trajectories import epochs_figure, interactive, trajectories, trajectories_figure
from clinimcl.evaluation.drawing.clips import clips_figure, is_clip
from clinimcl.evaluation.drawing.mosaics import MOST, Volume, mosaic_figure, pairs_figure
from clinimcl.evaluation.drawing.style import save
from clinimcl.evaluation.groups.comparison import GroupEvaluation
from clinimcl.evaluation.groups.context import group_context
from clinimcl.evaluation.groups.figures import group_figures
from clinimcl.evaluation.probes.context import probe_context
from clinimcl.evaluation.probes.figures import probe_figures
from clinimcl.evaluation.probes.measure import ProbeEvaluation
from clinimcl.evaluation.scanner.context import scanner_context
from clinimcl.evaluation.scanner.figures import scanner_figures
from clinimcl.evaluation.scanner.measure import ScannerEvaluation
from clinimcl.evaluation.statistics.metrics import Metric, Outcome
from clinimcl.evaluation.wording import BESIDE, GENERATED, HEADLINES, METRICS, cell, interval, label, number, verdict
from clinimcl.pseudonyms import pseudonyms, without_ids
from clinimcl.storage.files import write_text
from clinimcl.templates import filled

MOST_PAIRS = 6
DAYS_PER_YEAR = 365.25


class RunRecord(NamedTuple):
    """What a report says of a run beside its metrics. Nothing here may need torch."""

    title: str
    curves: pd.DataFrame  # metrics.csv: epoch, step, "stage/metric", …; rows hold what was logged together
    chances: dict[str, float]  # column of curves → its chance level
    remarks: list[str]  # sentences that must be read with the results
    counts: list[tuple[str, int, int]]  # split, subjects, scans
    cohort_remarks: list[str]  # what must be known of how the cohort's tables were read
    scan_remarks: dict[str, int]  # what must be known of how scans were read, and of how many
    set_aside: pd.DataFrame  # subject, path, reason; shown without ids and paths
    audit: dict[str, float]  # summary of the match audit in order; {} where nothing was matched
    speed: dict[str, float]  # "seconds a step" and the like
    configuration: str  # resolved YAML, shown as it is; "" for none
    phantom_digest: str  # "" where the cohort is not generated
    versions: dict[str, str]
    volumes: dict[int, Volume]  # row in scans → prepared volume, RAS; {}: no images in the report
    reviewed: bool = False  # review/review.html stands beside it


class Reported(NamedTuple):
    """Everything that a report is made of."""

    embedded: Embedded
    evaluation: Evaluation | None  # of a contrastive run
    record: RunRecord
    change: ChangeEvaluation | None
    probes: ProbeEvaluation | None = None
    groups: GroupEvaluation | None = None
    scanner: ScannerEvaluation | None = None

    @property
    def metrics(self) -> dict[str, Metric]:
        contrastive = self.evaluation.metrics if self.evaluation else {}
        return contrastive | {
            name: own
            for part in (self.change, self.probes, self.scanner)
            if part
            for name, own in part.measured.items()
        }

    @property
    def headline(self) -> float | None:
        """Balanced accuracy of health change, or retrieval where no change is classified."""
        metric = self.metrics.get("balanced_accuracy" if self.change else "retrieval_top1")
        return metric.value if metric else None


def write_report(
    embedded: Embedded | None,
    evaluation: Evaluation | None,
    record: RunRecord,
    folder: Path,
    change: ChangeEvaluation | None = None,
    probes: ProbeEvaluation | None = None,
    groups: GroupEvaluation | None = None,
    scanner: ScannerEvaluation | None = None,
) -> None:
    """Writes report.html and figures/*.png in the run folder.

    Each part is left out where its evaluation is None; without `embedded`, whose rows they are, no scans are shown.
    """
    assert embedded is not None or evaluation is None, "the contrastive part needs the embeddings"
    seen = [] if embedded is None else [*embedded.table("test")["subject"], *embedded.scans["subject"]]
    names = pseudonyms([*seen, *record.set_aside["subject"]])
    drawn = record_figures(embedded, record, names)
    if embedded is not None and evaluation is not None:
        drawn |= figures(embedded, evaluation, names)
    if change is not None:
        drawn |= change_figures(change)
    if probes is not None:
        drawn |= probe_figures(probes)
    if groups is not None:
        drawn |= group_figures(groups)
    if scanner is not None:
        drawn |= scanner_figures(scanner)
    pictures = saved(drawn, folder / "figures")
    context = record_context(record, names) | {"pictures": pictures, "contrastive": evaluation is not None}
    if embedded is not None and evaluation is not None:
        context |= contrastive_context(embedded, evaluation, names) | {
            "verdict": verdict(evaluation, bool(record.phantom_digest))
        }
    context |= {"change": change_context(change) if change else None}
    context |= {"probes": probe_context(probes) if probes else None}
    context |= {"groups": group_context(groups) if groups else None}
    context |= {"scanner": scanner_context(scanner) if scanner else None}
    write_text(page("report.html.j2", context), folder / "report.html")


def saved(drawn: dict[str, Figure | None], folder: Path) -> dict[str, str]:
    """Writes the figures; by name, each as a data address."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {}
    for name, figure in drawn.items():
        if figure is not None:
            save(figure, folder / f"{name}.png")
            pictures[name] = encoded(folder / f"{name}.png")
    return pictures


def figures(embedded: Embedded, evaluation: Evaluation, names: dict[str, str]) -> dict[str, Figure | None]:
    """Of the contrastive part, by file name; None where there is nothing to draw."""
    shown = trajectories(embedded.table("test"), names)
    moving = bool(evaluation.projections and shown)
    return {
        "trajectories": trajectories_figure(evaluation.projections, embedded.best, shown) if moving else None,
        "trajectories_epochs": epochs_figure(evaluation.projections, shown) if moving else None,
        "retrieval": retrieval_figure(evaluation.metrics),
        "gaps": gaps_figure(evaluation.by_gap),
        "epochs": epochs_metrics_figure(evaluation.by_epoch, embedded.best),
    }


def record_figures(embedded: Embedded | None, record: RunRecord, names: dict[str, str]) -> dict[str, Figure | None]:
    """What every run has: its curves, and its scans where they are given."""
    scans, pairs = pictured(embedded.scans, record.volumes, names) if embedded is not None else ([], [])
    clips = any(is_clip(volume) for _, volume in scans)
    draw = clips_figure if clips else mosaic_figure
    return {
        "curves": curves_figure(record.curves, record.chances),
        "mosaic": draw([volume for _, volume in scans], [name for name, _ in scans]) if scans else None,
        "pairs": pairs_figure([own for _, own in pairs], [name for name, _ in pairs]) if pairs and not clips else None,
    }


def pictured(
    scans: pd.DataFrame, volumes: dict[int, Volume], names: dict[str, str]
) -> tuple[list[tuple[str, Volume]], list[tuple[str, tuple[Volume, Volume]]]]:
    """Captions with the volumes that were given, and with their pairs of an earlier and a later session."""
    rows = scans.iloc[sorted(volumes)].assign(row=sorted(volumes)).sort_values("day", kind="stable")
    singles, pairs = [], []
    for subject, own in rows.groupby("subject", sort=False):
        days = zip(own["row"], own["day"], strict=True)
        singles += [(f"{names[str(subject)]}, day {day:.0f}", volumes[row]) for row, day in days]
        visits = own.drop_duplicates("session")[["row", "day"]].to_numpy()
        for (first, day), (second, later) in pairwise(visits):
            caption = f"{names[str(subject)]}, {(later - day) / DAYS_PER_YEAR:.1f} years"
            pairs.append((caption, (volumes[int(first)], volumes[int(second)])))
    return singles[:MOST], pairs[:MOST_PAIRS]


def encoded(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def page(template: str, context: dict[str, Any]) -> str:
    """Everything is escaped."""
    return filled("clinimcl.evaluation", template, context)


def record_context(record: RunRecord, names: dict[str, str]) -> dict[str, Any]:
    """What every run has."""
    return {
        "record": record,
        "clips": any(is_clip(volume) for volume in record.volumes.values()),
        "generated": GENERATED if record.phantom_digest else "",
        "counts": record.counts,
        "set_aside": set_aside_rows(record.set_aside, names),
        "reasons": reason_counts(record.set_aside, names),
        "audit": {name: number(float(value)) for name, value in record.audit.items()},
        "speed": {name: number(float(value)) for name, value in record.speed.items()},
    }


def contrastive_context(embedded: Embedded, evaluation: Evaluation, names: dict[str, str]) -> dict[str, Any]:
    """All but the verdict."""
    from plotly.offline import get_plotlyjs

    moving = trajectories(embedded.table("test"), names)
    return {
        "diagnosis": evaluation.diagnosis.name,
        "cards": [(label(name), *cells(evaluation.metrics, name)) for name in HEADLINES if name in evaluation.metrics],
        "metrics": metric_rows(evaluation.metrics),
        "absent": {label(name): reason for name, reason in evaluation.absent.items()},
        "epochs": epoch_rows(evaluation.by_epoch),
        "epoch_columns": [label(name) for name in EPOCH_METRICS],
        "epoch_chances": epoch_chances(evaluation.by_epoch[embedded.best]),
        "best": embedded.best,
        "gaps": gap_rows(evaluation.by_gap),
        "spread": spread_rows(evaluation.spread),
        "trajectories": interactive(evaluation.projections, embedded.best, moving) if moving else None,
        "plotly": get_plotlyjs() if moving and evaluation.projections else "",
    }


def cells(metrics: dict[str, Metric], name: str) -> tuple[str, str, str, int, int]:
    """Value, interval, chance or what it is read beside, subjects, items."""
    metric = metrics[name]
    beside = metrics.get(BESIDE.get(name, ""))
    chance = "" if metric.chance is None else number(metric.chance)
    if beside is not None:
        chance = f"{number(beside.value)}, other subjects"
    return number(metric.value), interval(metric), chance, metric.n_subjects, metric.n_items


def metric_rows(metrics: dict[str, Metric]) -> list[tuple[str | int, ...]]:
    """Label, meaning, name in evaluation.json, then the cells; in the order in which they are read."""
    ordered = [name for name in METRICS if name in metrics] + [name for name in metrics if name not in METRICS]
    return [(label(name), METRICS.get(name, ("", ""))[1], name, *cells(metrics, name)) for name in ordered]


def epoch_rows(by_epoch: dict[int, dict[str, Outcome]]) -> list[tuple[int, list[tuple[str, str]]]]:
    return [(epoch, [cell(outcomes[name]) for name in EPOCH_METRICS]) for epoch, outcomes in by_epoch.items()]


def epoch_chances(outcomes: dict[str, Outcome]) -> list[str]:
    """Chance is the same at every epoch."""
    chances = [getattr(outcomes[name], "chance", None) for name in EPOCH_METRICS]
    return ["–" if chance is None else number(chance) for chance in chances]


def gap_rows(by_gap: dict[str, dict[str, Outcome]]) -> list[tuple[str, str, str, str, str, str, str]]:
    """Representation, gap, top-1, interval, chance, subjects, queries."""
    rows = []
    for name, outcomes in by_gap.items():
        for gap, outcome in outcomes.items():
            if isinstance(outcome, Metric):
                counted = (number(outcome.chance or 0.0), str(outcome.n_subjects), str(outcome.n_items))
            else:
                counted = ("", "", "")
            rows.append((name.replace("_", " "), gap, *cell(outcome), *counted))
    return rows


def spread_rows(spread: "pd.Series[float]") -> dict[str, str]:
    """Spread over subjects of the distance of consecutive sessions."""
    if len(spread) < 2:
        return {}
    levels = {"lowest": 0.0, "lower quartile": 0.25, "median": 0.5, "upper quartile": 0.75, "highest": 1.0}
    quantiles = {name: number(float(spread.quantile(level))) for name, level in levels.items()}
    return quantiles | {"standard deviation": number(float(spread.std()))}


def counts(scans: pd.DataFrame) -> list[tuple[str, int, int]]:
    """Split, subjects, scans."""
    splits = [split for split in ("train", "validation", "test") if (scans["split"] == split).any()]
    return [
        (split, scans.loc[scans["split"] == split, "subject"].nunique(), int((scans["split"] == split).sum()))
        for split in splits
    ]


def set_aside_rows(set_aside: pd.DataFrame, names: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (names[str(row.subject)], without_ids(str(row.reason), str(row.path), names)) for row in set_aside.itertuples()
    ]


def reason_counts(set_aside: pd.DataFrame, names: dict[str, str]) -> list[tuple[str, int]]:
    """Reasons, commonest first."""
    reasons = pd.Series([reason for _, reason in set_aside_rows(set_aside, names)], dtype=object)
    return [(str(reason), int(count)) for reason, count in reasons.value_counts().items()]
