"""The report of a run: one HTML file that needs nothing beside it, and its figures as PNGs."""

import base64
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from clinimcl.evaluation.comparison import gaps_figure, retrieval_figure
from clinimcl.evaluation.curves import curves_figure, epochs_metrics_figure
from clinimcl.evaluation.embedded import Embedded
from clinimcl.evaluation.figures import save
from clinimcl.evaluation.files import write_text
from clinimcl.evaluation.measure import EPOCH_METRICS, Evaluation
from clinimcl.evaluation.metrics import Absent, Metric, Outcome
from clinimcl.evaluation.mosaics import MOST, Volume, mosaic_figure, pairs_figure
from clinimcl.evaluation.pseudonyms import pseudonyms, without_ids
from clinimcl.evaluation.trajectories import epochs_figure, interactive, trajectories, trajectories_figure
from clinimcl.evaluation.wording import BESIDE, HEADLINES, METRICS, interval, label, number, verdict

MOST_PAIRS = 6
DAYS_PER_YEAR = 365.25


class RunRecord(NamedTuple):
    """What a report says of a run beside its metrics. Nothing here may need torch."""

    title: str
    curves: pd.DataFrame  # metrics.csv: epoch, step, "stage/metric", …; rows hold what was logged together
    chances: dict[str, float]  # column of curves → its chance level
    counts: list[tuple[str, int, int]]  # split, subjects, scans
    set_aside: pd.DataFrame  # subject, path, reason; shown without ids and paths
    audit: dict[str, float]  # summary of the match audit in order; {} where nothing was matched
    speed: dict[str, float]  # "seconds a step" and the like
    configuration: str  # resolved YAML, shown as it is; "" for none
    phantom_digest: str  # "" where the cohort is not generated
    versions: dict[str, str]
    volumes: dict[int, Volume]  # row in scans → prepared volume, RAS; {}: no images in the report


class Reported(NamedTuple):
    """Everything that a report is made of."""

    embedded: Embedded
    evaluation: Evaluation
    record: RunRecord


def write_report(embedded: Embedded, evaluation: Evaluation, record: RunRecord, folder: Path) -> None:
    """Writes report.html and figures/*.png in the run folder."""
    names = pseudonyms([*embedded.table("test")["subject"], *embedded.scans["subject"], *record.set_aside["subject"]])
    drawn = {
        name: figure for name, figure in figures(embedded, evaluation, record, names).items() if figure is not None
    }
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name, figure in drawn.items():
        save(figure, folder / "figures" / f"{name}.png")
    pictures = {name: encoded(folder / "figures" / f"{name}.png") for name in drawn}
    write_text(page(embedded, evaluation, record, (names, pictures)), folder / "report.html")


def figures(
    embedded: Embedded, evaluation: Evaluation, record: RunRecord, names: dict[str, str]
) -> dict[str, Figure | None]:
    """By file name; None where there is nothing to draw."""
    shown = trajectories(embedded.table("test"), names)
    moving = bool(evaluation.projections and shown)
    scans, pairs = pictured(embedded.scans, record.volumes, names)
    return {
        "trajectories": trajectories_figure(evaluation.projections, embedded.best, shown) if moving else None,
        "trajectories_epochs": epochs_figure(evaluation.projections, shown) if moving else None,
        "retrieval": retrieval_figure(evaluation.metrics),
        "gaps": gaps_figure(evaluation.by_gap),
        "epochs": epochs_metrics_figure(evaluation.by_epoch, embedded.best),
        "curves": curves_figure(record.curves, record.chances),
        "mosaic": mosaic_figure([volume for _, volume in scans], [name for name, _ in scans]) if scans else None,
        "pairs": pairs_figure([pair for _, pair in pairs], [name for name, _ in pairs]) if pairs else None,
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


def page(
    embedded: Embedded,
    evaluation: Evaluation,
    record: RunRecord,
    shown: tuple[dict[str, str], dict[str, str]],
) -> str:
    """`shown` are the subjects' pseudonyms and the figures as data addresses. Everything is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    names, pictures = shown
    moving = trajectories(embedded.table("test"), names)
    environment = Environment(
        loader=PackageLoader("clinimcl.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {}  # jinja would sort keys, and with them the projections
    return environment.get_template("report.html.j2").render(
        record=record,
        verdict=verdict(evaluation, bool(record.phantom_digest)),
        diagnosis=evaluation.diagnosis.name,
        cards=[(label(name), *cells(evaluation.metrics, name)) for name in HEADLINES if name in evaluation.metrics],
        metrics=metric_rows(evaluation.metrics),
        absent={label(name): reason for name, reason in evaluation.absent.items()},
        epochs=epoch_rows(evaluation.by_epoch),
        epoch_columns=[label(name) for name in EPOCH_METRICS],
        epoch_chances=epoch_chances(evaluation.by_epoch[embedded.best]),
        best=embedded.best,
        gaps=gap_rows(evaluation.by_gap),
        spread=spread_rows(evaluation.spread),
        counts=record.counts,
        set_aside=set_aside_rows(record.set_aside, names),
        reasons=reason_counts(record.set_aside, names),
        audit={name: number(float(value)) for name, value in record.audit.items()},
        speed={name: number(float(value)) for name, value in record.speed.items()},
        pictures=pictures,
        trajectories=interactive(evaluation.projections, embedded.best, moving) if moving else None,
        plotly=get_plotlyjs() if moving and evaluation.projections else "",
    )


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


def outcome_cell(outcome: Outcome) -> tuple[str, str]:
    return ("–", "") if isinstance(outcome, Absent) else (number(outcome.value), interval(outcome))


def epoch_rows(by_epoch: dict[int, dict[str, Outcome]]) -> list[tuple[int, list[tuple[str, str]]]]:
    return [(epoch, [outcome_cell(outcomes[name]) for name in EPOCH_METRICS]) for epoch, outcomes in by_epoch.items()]


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
            rows.append((name.replace("_", " "), gap, *outcome_cell(outcome), *counted))
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
