"""Prepared clips to look at: the right part of the screen, nothing cut off, nothing stretched."""

import numpy as np
from matplotlib.figure import Figure

from clinimcl.evaluation.drawing.mosaics import Volume
from clinimcl.evaluation.drawing.style import INK, new_figure


def is_clip(array: Volume) -> bool:
    """Frames × height × width; a volume has equal sides."""
    return array.shape[0] < array.shape[1]


def clips_figure(clips: list[Volume], captions: list[str]) -> Figure:
    """The first, the middle and the last frame of each clip, two clips abreast, the probe at the top."""
    rows = -(-len(clips) // 2)
    figure = new_figure(10.5, 1.8 * rows)
    grid = figure.subplots(rows, 6, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for number, (clip, caption) in enumerate(zip(clips, captions, strict=True)):
        start = 3 * (number % 2)
        moments = np.linspace(0, len(clip) - 1, 3).astype(int)
        for axes, moment in zip(grid[number // 2, start : start + 3], moments, strict=True):
            axes.imshow(clip[moment], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        grid[number // 2, start].set_title(caption, loc="left", fontsize=8, color=INK)
    return figure
