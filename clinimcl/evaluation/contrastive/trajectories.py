"""Trajectories of subjects through the embedding, in time order, as in the paper's Fig. 2."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D

from clinimcl.evaluation.contrastive.projection import Projections
from clinimcl.evaluation.drawing.style import INK, MUTED, SUBJECT_COLOURS, new_figure, plain

MOST_SUBJECTS = 10
DAYS_PER_YEAR = 365.25


class Trajectory(NamedTuple):
    """`rows` of a subject's sessions in a table of scans, earliest first; `years` since the first."""

    name: str
    colour: str
    rows: Int[np.ndarray, " session"]
    years: Float[np.ndarray, " session"]


def trajectories(scans: pd.DataFrame, names: dict[str, str]) -> list[Trajectory]:
    """Up to 10 subjects with the most sessions; of a session's runs, the first."""
    rows = scans.reset_index(drop=True).drop_duplicates(["subject", "session"]).sort_values("day", kind="stable")
    counts = rows.groupby("subject")["session"].size().reindex(scans["subject"].unique())
    chosen = counts[counts >= 2].sort_values(ascending=False, kind="stable").index[:MOST_SUBJECTS]
    result = []
    for subject, colour in zip(chosen, SUBJECT_COLOURS, strict=False):
        own = rows[rows["subject"] == subject]
        years = own["day"].to_numpy(float) / DAYS_PER_YEAR
        result.append(Trajectory(names[subject], colour, own.index.to_numpy(), years - years[0]))
    return result


def trajectories_figure(projections: Projections, epoch: int, shown: list[Trajectory]) -> Figure:
    """One panel per projection at one epoch; the line grows thicker and the dots larger with time."""
    figure = new_figure(11.0, 8.4 if len(projections) > 2 else 4.6)
    columns = 2
    for number, (name, positions) in enumerate(projections.items(), start=1):
        deep = positions[epoch].shape[1] == 3
        axes = figure.add_subplot(
            -(-len(projections) // columns), columns, number, projection="3d" if deep else "rectilinear"
        )
        draw(axes, positions[epoch], shown)
        plain(axes, f"{name}, epoch {epoch}")
        bare(axes)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return figure


def epochs_figure(projections: Projections, shown: list[Trajectory]) -> Figure:
    """Small multiples: 2-D projections by kept epochs, in one frame and so on one scale."""
    flat = {name: positions for name, positions in projections.items() if name.endswith("2-D")}
    epochs = list(next(iter(flat.values())))
    figure = new_figure(max(2.3 * len(epochs), 4.0), 2.5 * len(flat))
    grid = figure.subplots(len(flat), len(epochs), squeeze=False, sharex="row", sharey="row")
    for row, (name, positions) in zip(grid, flat.items(), strict=True):
        for axes, epoch in zip(row, epochs, strict=True):
            draw(axes, positions[epoch], shown)
            plain(axes, f"{name.removesuffix(' 2-D')}, epoch {epoch}")
            bare(axes)
    return figure


def draw(axes: Axes, positions: Float[np.ndarray, "scan axis"], shown: list[Trajectory]) -> None:
    scatter(axes, positions, np.full(len(positions), 3.0), MUTED, 0.25)
    for trajectory in shown:
        points = positions[trajectory.rows]
        axes.plot(*points.T, color=trajectory.colour, linewidth=1.4, label=trajectory.name)
        scatter(axes, points, np.linspace(8, 55, len(points)), trajectory.colour, 1.0)
        if points.shape[1] == 2:
            arrow(axes, points[-2], points[-1], trajectory.colour)


def scatter(
    axes: Axes,
    points: Float[np.ndarray, "point axis"],
    sizes: Float[np.ndarray, " point"],
    colour: str,
    alpha: float,
) -> None:
    if isinstance(axes, Axes3D):
        axes.scatter(*points.T, s=sizes, color=colour, alpha=alpha, linewidths=0, depthshade=False)
    else:
        axes.scatter(points[:, 0], points[:, 1], s=sizes, color=colour, alpha=alpha, linewidths=0)


def arrow(axes: Axes, start: Float[np.ndarray, "2"], end: Float[np.ndarray, "2"], colour: str) -> None:
    """A head in the middle of the last step."""
    middle = (start + end) / 2
    tail = middle - (end - start) * 0.02
    axes.annotate("", middle, tail, arrowprops={"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0})


def bare(axes: Axes) -> None:
    """UMAP's axes have no unit: no numbers."""
    axes.tick_params(labelbottom=False, labelleft=False, labelcolor=INK)
    if isinstance(axes, Axes3D):
        axes.zaxis.set_ticklabels([])


def interactive(projections: Projections, best: int, shown: list[Trajectory]) -> dict[str, object]:
    """Data of the report's interactive picture: coordinates by projection and epoch, for plotly.js."""
    return {
        "best": best,
        "subjects": [
            {"name": t.name, "colour": t.colour, "years": t.years.round(2).tolist(), "rows": t.rows.tolist()}
            for t in shown
        ],
        "projections": {
            name: {str(epoch): positions.round(3).T.tolist() for epoch, positions in by_epoch.items()}
            for name, by_epoch in projections.items()
        },
    }
