"""Rows of a metric beside each other: bars with whiskers."""

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from clinimcl.evaluation.drawing.style import CHANCE, INK, new_figure, plain
from clinimcl.evaluation.statistics.metrics import Metric

ROOM = 1.12  # right end of the axis, for the number beside a bar that is full


class Bar(NamedTuple):
    """A metric between 0 and 1, and what chance reaches."""

    label: str
    colour: str
    metric: Metric
    chance: float | None


def bars_figure(bars: list[Bar], title: str) -> Figure | None:
    """A bar a row with its interval and its value, the first at the top; chance is a red tick on each.

    None without rows.
    """
    if not bars:
        return None
    figure = new_figure(8.5, 0.8 + 0.42 * len(bars))
    axes = figure.add_subplot()
    places = np.arange(len(bars), dtype=float)[::-1]
    for place, (_, colour, metric, chance) in zip(places, bars, strict=True):
        axes.barh(place, metric.value, color=colour, height=0.6)
        axes.plot([metric.low, metric.high], [place, place], color=INK, linewidth=1.4)
        axes.text(metric.high + 0.015, place, f"{metric.value:.3f}", va="center", fontsize=8, color=INK)
        if chance is not None:
            axes.vlines(chance, place - 0.38, place + 0.38, color=CHANCE, linewidth=2)
    plain(axes, f"{title} (95 % interval over subjects; red: chance)")
    axes.grid(axis="y", visible=False)
    axes.set(xlim=(0, ROOM))
    axes.set_yticks(places, [bar.label for bar in bars])
    axes.tick_params(axis="y", labelcolor=INK)
    return figure
