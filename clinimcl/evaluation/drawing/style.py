"""How our figures look and how they are written."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clinimcl.storage.files import whole

# Ten colours that differ for colour-blind readers as well; Okabe and Ito 2008, and two more.
SUBJECT_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#882255",
    "#7F7F7F",
    "#999933",
)
INK, MUTED, GRID, CHANCE = "#1f2933", "#627282", "#e4e8ec", "#B03A2E"
DOTS_PER_INCH = 130


def new_figure(width: float, height: float) -> Figure:
    """Inches; not known to pyplot, so nothing is left open and no display is needed."""
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")


def plain(axes: Axes, title: str = "") -> None:
    """Light frame and grid; the title stands at the left."""
    axes.set_title(title, loc="left", fontsize=10, color=INK, fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRID)
    axes.tick_params(colors=MUTED, labelsize=8, length=0)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def save(figure: Figure, path: Path) -> None:
    """PNG, whole or not at all."""
    with whole(path) as temporary:
        figure.savefig(temporary, format="png")
