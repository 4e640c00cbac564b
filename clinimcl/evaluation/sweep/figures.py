"""Figures of a sweep."""

from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clinimcl.evaluation.drawing.style import CHANCE, INK, MUTED, SUBJECT_COLOURS, new_figure, plain
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.sweep.differences import Difference
from clinimcl.evaluation.sweep.factors import WEIGHT
from clinimcl.evaluation.sweep.measure import Line, Sweep
from clinimcl.evaluation.sweep.wording import LEVEL, cell_label, shown_factors, versus
from clinimcl.evaluation.wording import label

COLOURS = {"MSE": "#7F7F7F", "MSE + CL": "#56B4E9", "MSE + wCL": "#0072B2", "InfoNCE": "#0072B2"}
MOST_ROWS, MOST_PANELS = 40, 6


def sweep_figures(sweep: Sweep) -> dict[str, Figure | None]:
    """By file name; None where there is nothing to draw."""
    return {
        "sweep_weight": weight_figure(sweep),
        "sweep_rows": rows_figure(sweep),
        "sweep_differences": differences_figure(sweep),
    }


def colours(sweep: Sweep) -> dict[str, str]:
    """By objective; those beyond the paper's in the order of their names."""
    names = dict.fromkeys(cell.values["objective"] for cell in sweep.cells)
    free = cycle(colour for colour in SUBJECT_COLOURS[1:] if colour not in COLOURS.values())
    return {name: COLOURS.get(name) or next(free) for name in names}


def weight_figure(sweep: Sweep) -> Figure | None:
    """The headline over λ, a line an objective, a panel for whatever else differs; chance is a red line."""
    factors = shown_factors(sweep)
    if WEIGHT not in factors:
        return None
    panels: dict[str, list[Line]] = {}
    others = [name for name in factors if name not in (WEIGHT, "objective")]
    for line in sweep.lines:
        panels.setdefault(cell_label(line.cell, others), []).append(line)
    drawn = list(panels.items())[:MOST_PANELS]
    columns = min(2, len(drawn))
    rows = -(-len(drawn) // columns)
    figure = new_figure(8.5, 3.6 if len(drawn) == 1 else 3.2 * rows)
    first = None
    for number, (title, lines) in enumerate(drawn, start=1):
        axes = figure.add_subplot(rows, columns, number, sharey=first)
        first = first or axes
        plain(axes, title if others else label(sweep.headline))
        weight_panel(axes, lines, colours(sweep))
    return figure


def weight_panel(axes: Axes, lines: list[Line], own: dict[str, str]) -> None:
    """An objective without contrast has no λ: it is drawn at 1, where nothing is left for a contrast."""
    names = dict.fromkeys(line.cell.values["objective"] for line in lines)
    values = sorted({float(line.cell.values[WEIGHT] or 1) for line in lines})
    step = min(np.diff(values), default=0.1) / 8
    for shift, name in enumerate(names):
        moved = step * (shift - (len(names) - 1) / 2)
        drawn = [line for line in lines if line.cell.values["objective"] == name]
        drawn.sort(key=lambda line: float(line.cell.values[WEIGHT] or 1))
        at = [float(line.cell.values[WEIGHT] or 1) + moved for line in drawn]
        for place, line in zip(at, drawn, strict=True):
            axes.plot([place, place], [line.headline.low, line.headline.high], color=own[name], linewidth=1.4)
        axes.plot(at, [line.headline.value for line in drawn], "o-", color=own[name], label=name, markersize=5)
    if lines[0].headline.chance is not None:
        axes.axhline(lines[0].headline.chance, color=CHANCE, linewidth=1.4, label="chance")
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.set_xlabel("λ, the weight of the MSE", fontsize=8, color=MUTED)
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4)


def rows_figure(sweep: Sweep) -> Figure | None:
    """Every row with its interval, each seed as a hollow dot; chance is a red tick."""
    lines, factors, own = sweep.lines[:MOST_ROWS], shown_factors(sweep), colours(sweep)
    if len(lines) < 2:
        return None
    figure = new_figure(8.5, 0.8 + 0.3 * len(lines))
    axes = figure.add_subplot()
    places = np.arange(len(lines), dtype=float)[::-1]
    for place, line in zip(places, lines, strict=True):
        colour, metric = own[line.cell.values["objective"]], line.headline
        axes.plot([metric.low, metric.high], [place, place], color=colour, linewidth=1.6)
        axes.plot(line.by_seed, [place] * len(line.by_seed), "o", mfc="white", mec=colour, markersize=3.5)
        axes.plot(metric.value, place, "o", color=colour, markersize=6.5)
        if metric.chance is not None:
            axes.vlines(metric.chance, place - 0.38, place + 0.38, color=CHANCE, linewidth=2)
    plain(axes, label(sweep.headline))
    axes.grid(axis="y", visible=False)
    axes.set_ylim(-0.7, len(lines) - 0.3)
    axes.set_yticks(places, [cell_label(line.cell, factors) for line in lines])
    axes.tick_params(axis="y", labelcolor=INK)
    return figure


def differences_figure(sweep: Sweep) -> Figure | None:
    """Differences with their intervals; what does not remain after Holm's correction is grey."""
    drawn = [(own, own.outcome) for own in sweep.differences if isinstance(own.outcome, Metric)][:MOST_ROWS]
    if not drawn:
        return None
    factors = shown_factors(sweep)
    figure = new_figure(8.5, 0.8 + 0.3 * len(drawn))
    axes = figure.add_subplot()
    places = np.arange(len(drawn), dtype=float)[::-1]
    axes.axvline(0, color=MUTED, linewidth=1)
    for place, (own, metric) in zip(places, drawn, strict=True):
        colour = "#0072B2" if own.adjusted < LEVEL else "#9AA5B1"
        axes.plot([metric.low, metric.high], [place, place], color=colour, linewidth=1.6)
        axes.plot(metric.value, place, "D" if own.primary else "o", color=colour, markersize=6)
    plain(axes, "Differences in balanced accuracy")
    axes.grid(axis="y", visible=False)
    axes.set_ylim(-0.7, len(drawn) - 0.3)
    axes.set_yticks(places, [difference_label(own, factors) for own, _ in drawn])
    axes.tick_params(axis="y", labelcolor=INK)
    return figure


def difference_label(difference: Difference, factors: list[str]) -> str:
    return ("primary: " if difference.primary else "") + versus(difference, factors)
