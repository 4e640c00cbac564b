"""Training curves and the metrics of every kept epoch."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clinimcl.evaluation.drawing.style import CHANCE, MUTED, new_figure, plain
from clinimcl.evaluation.statistics.metrics import Metric, Outcome

STAGE_COLOURS = {"train": "#0072B2", "validation": "#D55E00", "test": "#009E73"}
PANELS = {
    "Retrieval": {"retrieval_top1": "#0072B2", "retrieval_map": "#56B4E9"},
    "Time order": {"order_tau": "#009E73"},
    "Cosine distance": {"longitudinal_distance": "#D55E00", "between_subject_distance": "#7F7F7F"},
    "Total variance": {"total_variance": "#882255"},
    "Effective rank": {"effective_rank": "#CC79A7"},
}


def panels_of(curves: pd.DataFrame) -> dict[str, list[str]]:
    """Columns by metric: {"loss": ["train/loss", "validation/loss"]}; empty ones are left out."""
    panels: dict[str, list[str]] = {}
    for column in curves.columns:
        stage, slash, metric = str(column).partition("/")
        if slash and stage in STAGE_COLOURS and curves[column].notna().any():
            panels.setdefault(metric.removesuffix("_epoch"), []).append(str(column))
    return panels


def curves_figure(curves: pd.DataFrame, chances: dict[str, float]) -> Figure | None:
    """A panel per metric over epochs; rows of metrics.csv hold only what was logged together."""
    panels = panels_of(curves)
    if not panels:
        return None
    columns = min(3, len(panels))
    figure = new_figure(3.8 * columns, 2.8 * -(-len(panels) // columns))
    for number, (metric, names) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(-(-len(panels) // columns), columns, number)
        for name in names:
            stage = name.partition("/")[0]
            line = curves[["epoch", name]].dropna().groupby("epoch")[name].mean()
            axes.plot(line.index, line, color=STAGE_COLOURS[stage], label=stage, marker="o", markersize=2.5)
            if name in chances:
                chance_line(axes, chances[name], f"{stage}, chance", STAGE_COLOURS[stage])
        plain(axes, metric.replace("_", " "))
        axes.set_xlabel("epoch", fontsize=8, color=MUTED)
        axes.legend(fontsize=7, frameon=False)
    return figure


def epochs_metrics_figure(by_epoch: dict[int, dict[str, Outcome]], best: int) -> Figure | None:
    """Metrics of test subjects by epoch with 95 % bands, chance dashed, the reported epoch marked."""
    measured = {
        title: {name: colour for name, colour in lines.items() if course(by_epoch, name)}
        for title, lines in PANELS.items()
    }
    measured = {title: lines for title, lines in measured.items() if lines}
    if not measured:
        return None
    figure = new_figure(11.0, 2.9 * -(-len(measured) // 3))
    for number, (title, lines) in enumerate(measured.items(), start=1):
        axes = figure.add_subplot(-(-len(measured) // 3), 3, number)
        for name, colour in lines.items():
            band(axes, course(by_epoch, name), name.replace("_", " "), colour)
        axes.axvline(best, color=MUTED, linewidth=0.8, linestyle=":")
        plain(axes, title)
        axes.set_xlabel("epoch (dotted: reported)", fontsize=8, color=MUTED)
        axes.legend(fontsize=7, frameon=False)
    return figure


def course(by_epoch: dict[int, dict[str, Outcome]], name: str) -> dict[int, Metric]:
    outcomes = {epoch: outcomes.get(name) for epoch, outcomes in by_epoch.items()}
    return {epoch: outcome for epoch, outcome in outcomes.items() if isinstance(outcome, Metric)}


def band(axes: Axes, metrics: dict[int, Metric], label: str, colour: str) -> None:
    epochs = list(metrics)
    axes.fill_between(
        epochs,
        [m.low for m in metrics.values()],
        [m.high for m in metrics.values()],
        color=colour,
        alpha=0.18,
        lw=0,
    )
    axes.plot(epochs, [m.value for m in metrics.values()], color=colour, marker="o", markersize=4, label=label)
    chances = {m.chance for m in metrics.values()} - {None}
    if chances:
        chance_line(axes, max(chance for chance in chances if chance is not None), "", colour)


def chance_line(axes: Axes, level: float, label: str, colour: str = CHANCE) -> None:
    axes.axhline(level, color=colour, linewidth=1, linestyle="--", alpha=0.8, label=label or None)
