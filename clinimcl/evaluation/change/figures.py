"""Figures of three-way change."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.change.measure import ChangeEvaluation, Row
from clinimcl.evaluation.change.regression import Scatter
from clinimcl.evaluation.change.wording import ROWS, WITHOUT_REPRESENTATION
from clinimcl.evaluation.drawing.bars import Bar, bars_figure
from clinimcl.evaluation.drawing.style import INK, MUTED, new_figure, plain
from clinimcl.evaluation.statistics.metrics import Metric, Outcome

BLUE, GREY, ORANGE, LIGHT = "#0072B2", "#7F7F7F", "#E69F00", "#56B4E9"


def change_figures(evaluation: ChangeEvaluation) -> dict[str, Figure]:
    """By file name; what could not be measured has none."""
    figures = {
        "change_rows": rows_figure(evaluation.rows, evaluation.metrics["balanced_accuracy"]),
        "change_confusion": confusion_figure(evaluation.confusion),
        "change_reliability": reliability_figure(evaluation.reliability, evaluation.metrics["calibration_error"]),
        "change_distance": distance_figure(evaluation),
        "change_score": score_figure(evaluation.regressed, evaluation.metrics["score_spearman"]),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def colour(name: str) -> str:
    """Rows without a learned representation are grey."""
    return {"classifier": BLUE, "oracle": ORANGE}.get(name, GREY if name in WITHOUT_REPRESENTATION else LIGHT)


def rows_figure(rows: list[Row], own: Outcome) -> Figure | None:
    """Balanced accuracy of every row; chance is that of the classifier, `own`."""
    chance = own.chance if isinstance(own, Metric) else None
    bars = [
        Bar(ROWS[row.name][0], colour(row.name), row.balanced_accuracy, chance)
        for row in rows
        if isinstance(row.balanced_accuracy, Metric)
    ]
    return bars_figure(bars, "Balanced accuracy")


def confusion_figure(confusion: np.ndarray) -> Figure:
    """Counts; shades are shares of each true class."""
    figure = new_figure(4.6, 3.8)
    axes = figure.add_subplot()
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for truth, answer in np.ndindex(*confusion.shape):
        shade = "white" if share[truth, answer] > 0.6 else INK
        text = f"{confusion[truth, answer]}\n{share[truth, answer]:.0%}"
        axes.text(answer, truth, text, ha="center", va="center", fontsize=9, color=shade)
    plain(axes, "Truth (rows) and answer (columns)")
    axes.grid(visible=False)
    axes.set_xticks(range(len(CHANGES)), CHANGES)
    axes.set_yticks(range(len(CHANGES)), CHANGES)
    return figure


def reliability_figure(bins: pd.DataFrame, error: Outcome) -> Figure:
    """Share of right answers by confidence; a dot a bin, its area as many answers."""
    figure = new_figure(4.6, 3.8)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    area = 20 + 180 * bins["answers"] / bins["answers"].max()
    axes.scatter(bins["confidence"], bins["right"], s=area, color=BLUE, edgecolors="white")
    plain(axes, "Calibration" + (f" (error {error.value:.3f})" if isinstance(error, Metric) else ""))
    axes.set(xlim=(0.3, 1.02), ylim=(-0.03, 1.03))
    axes.set_xlabel("probability of the answer", fontsize=8, color=MUTED)
    axes.set_ylabel("share of right answers", fontsize=8, color=MUTED)
    return figure


def distance_figure(evaluation: ChangeEvaluation) -> Figure:
    """Axes as in figure 1 of LEARNER."""
    title = titled("Embedding distance", evaluation.metrics["distance_change_spearman"])
    return points(evaluation.scatter, title, ("|Δ score|", "cosine distance of the embeddings"))


def score_figure(regressed: Scatter | None, rank: Outcome) -> Figure | None:
    if regressed is None:
        return None
    figure = points(regressed, titled("Score of test scans", rank), ("measured", "regressed"))
    ends = [float(regressed.x.min()), float(regressed.x.max())]
    figure.axes[0].plot(ends, ends, color=MUTED, linewidth=1, linestyle="--")
    return figure


def titled(title: str, rank: Outcome) -> str:
    return f"{title} (Spearman {rank.value:.2f})" if isinstance(rank, Metric) else title


def points(scatter: Scatter, title: str, labels: tuple[str, str]) -> Figure:
    figure = new_figure(4.6, 3.8)
    axes = figure.add_subplot()
    axes.scatter(*scatter, s=14, color=BLUE, alpha=0.5, linewidths=0)
    plain(axes, title)
    axes.set_xlabel(labels[0], fontsize=8, color=MUTED)
    axes.set_ylabel(labels[1], fontsize=8, color=MUTED)
    return figure
