"""Retrieval by the encoder beside chance and trivial rows, over all pairs and by time gap."""

from matplotlib.figure import Figure

from clinimcl.evaluation.drawing.bars import Bar, bars_figure
from clinimcl.evaluation.drawing.style import CHANCE, MUTED, new_figure, plain
from clinimcl.evaluation.statistics.metrics import Metric, Outcome

ROWS = {
    "retrieval_top1": ("encoder", "#0072B2"),
    "raw_voxels_retrieval_top1": ("raw voxels", "#7F7F7F"),
    "realigned_voxels_retrieval_top1": ("voxels moved back by the true pose", "#E69F00"),
    "retrieval_top1_other_scanner": ("encoder, another scanner", "#56B4E9"),
    "raw_voxels_retrieval_top1_other_scanner": ("raw voxels, another scanner", "#B8BEC4"),
    "realigned_voxels_retrieval_top1_other_scanner": ("moved back, another scanner", "#F3CF86"),
}


def retrieval_figure(metrics: dict[str, Metric]) -> Figure | None:
    """A bar a representation."""
    bars = [Bar(*ROWS[name], metrics[name], metrics[name].chance) for name in ROWS if name in metrics]
    return bars_figure(bars, "Same-subject retrieval, top-1")


def gaps_figure(by_gap: dict[str, dict[str, Outcome]]) -> Figure | None:
    """Top-1 by time between the two sessions; a group of points per gap, chance as a red tick."""
    gaps = list(next(iter(by_gap.values()), {}))
    if not gaps:
        return None
    figure = new_figure(8.5, 3.4)
    axes = figure.add_subplot()
    for number, (name, outcomes) in enumerate(by_gap.items()):
        label, colour = ROWS["retrieval_top1" if name == "encoder" else f"{name}_retrieval_top1"]
        for place, gap in enumerate(gaps):
            metric = outcomes[gap]
            if isinstance(metric, Metric):
                at = place + 0.16 * (number - (len(by_gap) - 1) / 2)
                axes.plot([at, at], [metric.low, metric.high], color=colour, linewidth=1.6)
                axes.plot(at, metric.value, "o", color=colour, markersize=6, markeredgecolor="white")
                if metric.chance is not None:
                    axes.hlines(metric.chance, at - 0.07, at + 0.07, color=CHANCE, linewidth=1.6)
        axes.plot([], [], "o", color=colour, label=label)
    plain(axes, "Top-1 by time between the sessions (red: chance)")
    axes.set_xticks(range(len(gaps)), gaps)
    axes.set(ylim=(-0.04, 1.06), xlim=(-0.6, len(gaps) - 0.4))
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3)
    axes.tick_params(axis="x", labelcolor=MUTED)
    return figure
