"""Prepared scans to look at: right way up, nothing cut off, nothing stretched."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clinimcl.evaluation.drawing.style import INK, new_figure
from clinimcl.preparation.planes import PLANES, middle_slice

MOST = 12  # scans a mosaic

Volume = Float[np.ndarray, "x y z"]


def mosaic_figure(volumes: list[Volume], captions: list[str]) -> Figure:
    """A row of three planes for each scan, two scans abreast; grey from the 0.5th to 99.5th percentile."""
    rows = -(-len(volumes) // 2)
    figure = new_figure(10.5, 1.8 * rows)
    grid = figure.subplots(rows, 6, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for number, (volume, caption) in enumerate(zip(volumes, captions, strict=True)):
        start = 3 * (number % 2)
        window = tuple(np.percentile(volume, [0.5, 99.5]))
        for axes, plane in zip(grid[number // 2, start : start + 3], PLANES, strict=True):
            show(axes, volume, plane, window)
        grid[number // 2, start].set_title(caption, loc="left", fontsize=8, color=INK)
    return figure


def pairs_figure(pairs: list[tuple[Volume, Volume]], captions: list[str]) -> Figure:
    """A row per pair: earlier, later, and later minus earlier (red: brighter later), axial and coronal."""
    figure = new_figure(10.5, 1.9 * len(pairs))
    grid = figure.subplots(len(pairs), 6, squeeze=False)
    for row, (earlier, later), caption in zip(grid, pairs, captions, strict=True):
        window = tuple(np.percentile(earlier, [0.5, 99.5]))
        difference = later - earlier
        limit = max(float(np.percentile(np.abs(difference), 99.5)), 1e-6)
        for column, plane in ((0, "axial"), (3, "coronal")):
            show(row[column], earlier, plane, window)
            show(row[column + 1], later, plane, window)
            show(row[column + 2], difference, plane, (-limit, limit), "RdBu_r")
        for axes, title in zip(row, 2 * ("earlier", "later", "later − earlier"), strict=True):
            axes.set_title(title, fontsize=7, color=INK)
        row[0].set_title(f"{caption}\nearlier", loc="left", fontsize=8, color=INK)
        row[0].set_title("", loc="center")
    return figure


def show(axes: Axes, volume: Volume, plane: str, window: tuple[float, float], colours: str = "gray") -> None:
    _, left, right = PLANES[plane]
    picture = middle_slice(volume, plane)
    axes.imshow(picture, cmap=colours, vmin=window[0], vmax=window[1], interpolation="nearest")
    axes.axis("off")
    ink = "white" if colours == "gray" else INK
    for text, place, side in ((left, 0.02, "left"), (right, 0.98, "right")):
        axes.text(place, 0.5, text, transform=axes.transAxes, ha=side, va="center", fontsize=7, color=ink)
