"""What the W&B dashboard shows, by the keys under which a run logs it."""

from typing import Any

from wandb_workspaces import expr
from wandb_workspaces.reports.v2 import (
    BarPlot,
    Config,
    CustomChart,
    LinePlot,
    ParallelCoordinatesPlot,
    ParallelCoordinatesPlotColumn,
    ScatterPlot,
    SummaryMetric,
)
from wandb_workspaces.workspaces import RunsetSettings, Section, Workspace, WorkspaceSettings

from clinimcl.evaluation.change.wording import BESIDES
from clinimcl.evaluation.wording import METRICS

MOST_RUNS = 50  # in a panel; the table holds them all
MSE_WEIGHT = "objective.mse_weight"
# Runs that agree in all of these are one group, over which curves are averaged: seeds and folds.
GROUPS = {
    "name": "Experiment",
    "encoder._target_": "Encoder",
    "objective.contrast._target_": "Contrast",
    "objective.contrast.weighted": "Contrast weighted by score",
    MSE_WEIGHT: "λ, weight of the squared error",
    "classifier.combine": "Combination of the two scans",
}
HEADLINES = ("balanced_accuracy", "accuracy", "quadratic_kappa", "score_spearman", "retrieval_top1", "order_tau")
UNCERTAIN = ("_low", "", "_high")  # the value between the ends of its 95 % interval
Panel = Any  # wandb-workspaces gives its panels no common public type


def workspace(project: str, entity: str) -> Workspace:
    """Nothing is sent until it is saved."""
    return Workspace(
        entity=entity,
        project=project,
        name="clinimcl",
        sections=[Section(name=name, panels=panels, is_open=True) for name, panels in sections().items()],
        settings=WorkspaceSettings(max_runs=MOST_RUNS),
        runset_settings=RunsetSettings(
            groupby=[expr.Config(key) for key in GROUPS],
            pinned_columns=[f"summary:test/{name}{end}" for name in HEADLINES for end in UNCERTAIN],
        ),
    )


def definition(workspace: Workspace) -> dict[str, Any]:
    """What W&B would be sent."""
    return workspace._to_model().model_dump(mode="json", by_alias=True, exclude_none=True)


def sections() -> dict[str, list[Panel]]:
    return {
        "Loss beside chance": [
            curve("train/loss", "Pretraining loss"),
            curve("validation/loss", "Pretraining loss, validation"),
            curve("validation/mse", "Squared error of the score, validation"),
            curve("change/train_loss", "Classifier, loss"),
            curve("change/validation_loss", "Classifier, loss, validation"),
            curve("lr-AdamW", "Learning rate", chance=False),
        ],
        "Retrieval": [
            curve("validation/retrieval_top1", "Retrieval, top-1, validation"),
            *(bars(name) for name in ("retrieval_top1", "raw_voxels_retrieval_top1", "retrieval_map")),
            bars("retrieval_top1_minus_raw_voxels"),
        ],
        "Time order": [bars("order_tau")],
        "Stability": [
            bars("distance_ratio"),
            *(bars(name, chance=False) for name in ("longitudinal_distance", "between_subject_distance")),
            *(bars(name, chance=False) for name in ("total_variance", "effective_rank")),
        ],
        "Health score": [
            curve("validation/score_spearman", "Score, Spearman ρ, validation", chance=False),
            *(bars(name) for name in ("score_spearman", "score_r2", "score_mae", "distance_change_spearman")),
        ],
        "Classifier of two scans, three-way": [
            curve("change/validation_balanced_accuracy", "Balanced accuracy, validation"),
            *(bars(name) for name in ("balanced_accuracy", "accuracy", "quadratic_kappa", "swap_consistency")),
            *(bars(name) for name in ("auroc", "brier_score")),
            *(bars(name, chance=False) for name in ("weighted_f1", "macro_f1", "calibration_error")),
            rows(),
            *(bars(f"balanced_accuracy_minus_{name}", chance=False) for name in BESIDES),
        ],
        "λ curve": [
            *(mse_weight_curve("balanced_accuracy", end) for end in UNCERTAIN),
            *(mse_weight_curve("score_spearman", end) for end in UNCERTAIN),
        ],
        "Sweep": [*(compared(key, title) for key, title in GROUPS.items()), parallel()],
        "Trajectories and confusion matrix": [confusion(), *(walk(axis) for axis in "xy"), plane(), spread()],
    }


def curve(key: str, title: str, chance: bool = True) -> Panel:
    """What is logged while training, beside the level of who knows nothing."""
    return LinePlot(title=title, x="trainer/global_step", y=[key, f"{key}_chance"] if chance else [key])


def bars(name: str, chance: bool = True) -> Panel:
    """A metric of held-out subjects within its interval."""
    ends = [*UNCERTAIN, "_chance"] if chance else UNCERTAIN
    return BarPlot(title=METRICS[name][0], metrics=[f"test/{name}{end}" for end in ends])


def rows() -> Panel:
    """The classifier beside what a reviewer would hold against it."""
    names = ["balanced_accuracy", *(f"{name}_balanced_accuracy" for name in BESIDES)]
    return BarPlot(title="Balanced accuracy of all rows", metrics=[f"test/{name}" for name in names])


def mse_weight_curve(name: str, end: str) -> Panel:
    where = {"_low": ", lower end", "_high": ", upper end"}.get(end, "")
    return ScatterPlot(
        title=f"{METRICS[name][0]}{where}", x=Config(MSE_WEIGHT), y=SummaryMetric(f"test/{name}{end}"), regression=False
    )


def compared(key: str, title: str) -> Panel:
    """Mean over the runs that share a setting, and its standard error."""
    return BarPlot(
        title=f"Balanced accuracy by: {title}",
        metrics=["test/balanced_accuracy"],
        groupby=Config(key),
        groupby_aggfunc="mean",
        groupby_rangefunc="stderr",
    )


def parallel() -> Panel:
    columns = [ParallelCoordinatesPlotColumn(Config(key), display_name=title) for key, title in GROUPS.items()]
    last = ParallelCoordinatesPlotColumn(SummaryMetric("test/balanced_accuracy"), display_name="Balanced accuracy")
    return ParallelCoordinatesPlot(title="All settings", columns=[*columns, last])


def confusion() -> Panel:
    return _of_table(
        "confusion",
        "wandb/confusion_matrix/v1",
        {"Actual": "measured", "Predicted": "answered", "nPredictions": "answers"},
        "Confusion of three-way answers",
    )


def walk(axis: str) -> Panel:
    """Where subjects stand along an axis of the plane, over time; only of runs that share subjects."""
    fields = {"step": "years", "lineKey": "subject", "lineVal": axis}
    return _of_table("trajectories", "wandb/lineseries/v0", fields, f"Trajectories: {axis} over years")


def plane() -> Panel:
    return _of_table("trajectories", "wandb/scatter/v0", {"x": "x", "y": "y"}, "Sessions in the plane")


def spread() -> Panel:
    fields = {"label": "subject", "value": "longitudinal_distance"}
    return _of_table("subjects", "wandb/bar/v0", fields, METRICS["longitudinal_distance"][0])


def _of_table(table: str, chart: str, fields: dict[str, str], title: str) -> Panel:
    """`fields`: what the chart asks for → column of the table."""
    return CustomChart(
        query={"summaryTable": {"tableKey": table}},
        chart_name=chart,
        chart_fields=fields,
        chart_strings={"title": title},
    )
