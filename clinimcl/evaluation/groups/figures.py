"""A panel a grouping: each group's value with its interval, and the gap at the side."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clinimcl.evaluation.drawing.style import CHANCE, INK, MUTED, new_figure, plain
from clinimcl.evaluation.groups.comparison import Comparison, Difference, GroupEvaluation, alarming
from clinimcl.evaluation.groups.wording import named, p_text, titled
from clinimcl.evaluation.wording import number, span

COLOUR = "#0072B2"
COLUMNS = 3
MOST = 3  # figures, which take longer to draw than to measure


def group_figures(evaluation: GroupEvaluation) -> dict[str, Figure | None]:
    """By file name: of the headlines with the smallest p, or of the first one."""
    alarmed = dict.fromkeys(own.headline for own in evaluation.alarms)
    compared = [own.headline for own in evaluation.comparisons if own.compared]
    shown = list(alarmed)[:MOST] or compared[:1]
    return {f"groups_{name}": headline_figure(evaluation, name) for name in shown}


def headline_figure(evaluation: GroupEvaluation, headline: str) -> Figure | None:
    """None where no two groups can be compared."""
    asked = [own for own in evaluation.comparisons if own.headline == headline]
    shown = [own for own in asked if own.compared]
    if not shown:
        return None
    rows = -(-len(shown) // COLUMNS)
    most = max(len(own.measured) for own in shown)
    figure = new_figure(3.6 * COLUMNS, rows * (1.0 + 0.3 * most))
    shared: Axes | None = None
    for place, own in enumerate(shown, start=1):
        axes = figure.add_subplot(rows, COLUMNS, place, sharex=shared)
        shared = shared or axes
        panel(axes, own)
    figure.suptitle(named(headline), x=0.01, ha="left", fontsize=11, color=INK)
    return figure


def panel(axes: Axes, comparison: Comparison) -> None:
    """Dots with whiskers, the first group at the top; the gap as a bracket at the right."""
    groups = comparison.measured
    colour = CHANCE if alarming(comparison) else COLOUR
    places = dict(zip(groups, range(len(groups) - 1, -1, -1), strict=True))
    for name, metric in groups.items():
        axes.plot([metric.low, metric.high], [places[name]] * 2, color=MUTED, linewidth=1.4)
        axes.plot(metric.value, places[name], "o", color=colour, markersize=5)
    difference = comparison.difference
    assert isinstance(difference, Difference)
    plain(axes, titled(comparison.grouping))
    ticks = [f"{name} ({groups[name].n_subjects})" for name in places]
    axes.set_yticks(list(places.values()), ticks)
    axes.set_ylim(-0.6, len(groups) - 0.4)
    bracket(axes, places, difference, colour)


def bracket(axes: Axes, places: dict[str, int], difference: Difference, colour: str) -> None:
    """From the worst to the best, beside the panel, with the gap and its corrected p."""
    ends = [places[difference.worst], places[difference.best]]
    along = axes.get_yaxis_transform()  # x as a share of the panel
    axes.plot([1.03, 1.03], ends, color=colour, linewidth=1.4, transform=along, clip_on=False)
    gap = difference.gap
    text = f"{number(gap.value)}\n{span(gap.low, gap.high)}"
    if difference.p_holm is not None:
        text += f"\np {p_text(difference.p_holm)}"
    middle = sum(ends) / 2
    axes.text(1.06, middle, text, transform=along, va="center", fontsize=7, color=INK)
