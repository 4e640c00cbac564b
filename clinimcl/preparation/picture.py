"""Where in a scanner's frames the ultrasound picture lies.

The rule. A pixel is alive where its grey level moves over time; in a still, where it differs from its neighbours, as
speckle does and a flat panel does not. The picture is the convex hull of where half of the neighbourhood is alive,
small areas left out. Bright pixels that stand still outside of it are the scanner's frame and print, and become black.
A margin beside the picture that holds some goes. One that holds none may be the shadow of a rib, and cutting there
would change the scale from clip to clip: it goes only as far as the opposite margin is wide.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8
from scipy import ndimage
from scipy.spatial import ConvexHull

FRAMES = 24  # evenly over the clip: enough to tell what moves
MOVES = 2.0  # standard deviation over time in grey levels; compression moves still text less
DIFFERS = 1.0  # standard deviation in grey levels of a still's pixels among their neighbours
GRAIN = 5  # pixels a side of these neighbours
STILL_SHARE = 0.02  # of pixels that move, below which the clip is a still
BRIGHT = 40.0  # grey level of text and rulers
NEIGHBOURHOOD = 0.02  # of the frame's shorter edge, at least twice the grain, or a line would fill it
SMALLEST_MOVING = 0.02  # of the largest area: an echo below a dark stretch, not a running clock
SMALLEST_STILL = 0.15  # of the largest area: more than a line of print
HALF_PIXELS = np.array([(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)])  # from a pixel's middle to its corners
LEAST_PRINT = 2e-3  # share of the frame; skin that stays still beside a shadow came to 0.7e-3 in COVID-BLUES


class Picture(NamedTuple):
    rows: slice
    columns: slice
    printed: Bool[np.ndarray, "height width"]  # of the whole frame: to become black

    def cut(self, frames: UInt8[np.ndarray, "frame height width"]) -> UInt8[np.ndarray, "frame rows columns"]:
        return np.where(self.printed, np.uint8(0), frames)[:, self.rows, self.columns]


def find_picture(
    frames: UInt8[np.ndarray, "frame height width"], edges: Float[np.ndarray, " edge"] | None = None
) -> Picture:
    """The rule above; a frame in which nothing is found stays whole."""
    mean, deviation = _over_time(frames)
    moves = deviation > MOVES
    if moves.mean() >= STILL_SHARE:
        inside = _hull(_areas(moves, SMALLEST_MOVING))
    else:
        inside = _hull(_areas(_deviation_in_space(mean) > DIFFERS, SMALLEST_STILL))
    height, width = inside.shape
    if not inside.any():
        return Picture(slice(0, height), slice(0, width), inside)
    printed = (mean > BRIGHT) & ~moves & ~ndimage.binary_dilation(inside, iterations=_neighbourhood(inside) // 2)
    if printed.mean() < LEAST_PRINT:
        printed = np.zeros_like(inside)
    rows, columns = ndimage.find_objects(inside.astype(np.uint8))[0]
    return Picture(
        _without_margins(rows, printed[:, columns].any(axis=1)),
        _without_margins(columns, printed[rows].any(axis=0)),
        ndimage.binary_dilation(printed, iterations=GRAIN),
    )


def _over_time(
    frames: UInt8[np.ndarray, "frame height width"],
) -> tuple[Float[np.ndarray, "height width"], Float[np.ndarray, "height width"]]:
    """Mean and standard deviation, a frame at a time for the sake of memory."""
    total = np.zeros(frames.shape[1:], np.float32)
    squares = np.zeros_like(total)
    chosen = np.unique(np.linspace(0, len(frames) - 1, FRAMES).round().astype(int))
    for index in chosen:
        frame = frames[index].astype(np.float32)
        total += frame
        squares += frame**2
    mean = total / len(chosen)
    return mean, np.sqrt(np.maximum(squares / len(chosen) - mean**2, 0))


def _deviation_in_space(grey: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
    mean = ndimage.uniform_filter(grey, GRAIN)
    return np.sqrt(np.maximum(ndimage.uniform_filter(grey**2, GRAIN) - mean**2, 0))


def _areas(alive: Bool[np.ndarray, "height width"], smallest: float) -> Bool[np.ndarray, "height width"]:
    """Dense areas of a size; thin lines and print are neither."""
    dense = ndimage.uniform_filter(alive.astype(np.float32), _neighbourhood(alive), mode="constant") >= 0.5
    labels, count = ndimage.label(dense)
    if count == 0:
        return dense
    sizes = np.bincount(labels.ravel())[1:]
    return np.isin(labels, 1 + np.flatnonzero(sizes >= smallest * sizes.max()))


def _hull(area: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    rows = np.flatnonzero(area.any(axis=1))
    if len(rows) == 0:
        return area
    first = area[rows].argmax(axis=1)
    last = area.shape[1] - 1 - area[rows, ::-1].argmax(axis=1)
    ends = np.column_stack([np.tile(rows, 2), np.concatenate([first, last])])
    corners = (ends[:, None] + HALF_PIXELS).reshape(-1, 2)
    y, x = np.ogrid[: area.shape[0], : area.shape[1]]
    inside = np.ones_like(area)
    for down, right, offset in ConvexHull(corners).equations:
        inside &= down * y + right * x + offset <= 0
    return inside


def _neighbourhood(frame: Shaped[np.ndarray, "height width"]) -> int:
    return max(2 * GRAIN + 1, round(NEIGHBOURHOOD * min(frame.shape)))


def _without_margins(found: slice, printed: Bool[np.ndarray, " pixel"]) -> slice:
    """What stays of a side of the frame, of which `found` holds the picture."""
    before, after = found.start, len(printed) - found.stop
    narrower = min(before, after)
    start = before if printed[: found.start].any() else narrower
    end = after if printed[found.stop :].any() else narrower
    return slice(start, len(printed) - end)
