"""The shares of variance as stacked bars."""

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from clinimcl.evaluation.drawing.style import INK, new_figure, plain
from clinimcl.evaluation.scanner.measure import ScannerEvaluation
from clinimcl.evaluation.scanner.shares import SHARES
from clinimcl.evaluation.scanner.wording import NAMES, REPRESENTATIONS, share_name
from clinimcl.evaluation.statistics.metrics import Metric

COLOURS = {"subject": "#0072B2", "scanner": "#D55E00", "time": "#E69F00", "rest": "#B8BEC4"}
LEAST_LABELLED = 0.04  # a share that has room for its number


def scanner_figures(evaluation: ScannerEvaluation) -> dict[str, Figure | None]:
    """By file name."""
    return {"scanner": shares_figure(evaluation.measured)}


def shares_figure(measured: dict[str, Metric]) -> Figure | None:
    """A bar a representation; None where nothing was measured."""
    shown = [name for name in REPRESENTATIONS if share_name(name, "share_subject") in measured]
    if not shown:
        return None
    figure = new_figure(8.5, 1.1 + 0.5 * len(shown))
    axes = figure.add_subplot()
    for height, name in enumerate(reversed(shown)):
        start = 0.0
        for part in SHARES:
            metric = measured.get(share_name(name, f"share_{part}"))
            value = metric.value if metric else 0.0
            axes.barh(height, value, left=start, height=0.6, color=COLOURS[part])
            if value >= LEAST_LABELLED:
                middle = start + value / 2
                axes.text(middle, height, f"{value:.0%}", ha="center", va="center", fontsize=8)
            start += value
    plain(axes, "Shares of the variance of held-out subjects' scans")
    axes.grid(visible=False)
    axes.set(xlim=(0, 1))
    axes.set_yticks(range(len(shown)), [NAMES[name] for name in reversed(shown)])
    axes.tick_params(axis="y", labelcolor=INK)
    handles = [Patch(color=COLOURS[part]) for part in SHARES]
    figure.legend(handles, SHARES, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure
