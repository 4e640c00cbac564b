"""The label curve."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clinimcl.evaluation.drawing.style import CHANCE, MUTED, new_figure, plain
from clinimcl.evaluation.probes.measure import ProbeEvaluation, titles
from clinimcl.evaluation.probes.wording import named

COLOURS = {"trained": "#0072B2", "untrained": "#7F7F7F"}


def probe_figures(evaluation: ProbeEvaluation) -> dict[str, Figure | None]:
    """By file name."""
    return {"probes": curve_figure(evaluation)}


def curve_figure(evaluation: ProbeEvaluation) -> Figure | None:
    """A panel a probe and metric: value over labelled subjects; None where nothing was measured."""
    panels = list(evaluation.curve.groupby(["probe", "metric"], sort=False))
    if not panels:
        return None
    figure = new_figure(4.2 * len(panels), 3.4)
    for number, ((probe, metric), own) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), number)
        for encoder, line in own.groupby("encoder", sort=False):
            band(axes, line, str(encoder))
        whole = evaluation.measured.get(titles(str(probe), str(metric))[0])
        if whole is not None and whole.chance is not None:
            axes.axhline(whole.chance, color=CHANCE, linewidth=1, linestyle="--")
        plain(axes, named(str(probe), str(metric)))
        axes.set_xscale("log")
        counts = sorted(set(own["subjects"]))
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.minorticks_off()
        axes.set_xlabel("labelled training subjects", fontsize=8, color=MUTED)
        axes.legend(fontsize=7, frameon=False)
    return figure


def band(axes: Axes, line: pd.DataFrame, encoder: str) -> None:
    """Shares that are the same number of subjects are one point."""
    shown = line.drop_duplicates("subjects")
    colour = COLOURS[encoder]
    axes.fill_between(shown["subjects"], shown["low"], shown["high"], color=colour, alpha=0.18, lw=0)
    axes.plot(shown["subjects"], shown["value"], color=colour, marker="o", markersize=4, label=encoder)
