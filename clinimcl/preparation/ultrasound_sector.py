"""Where in a scanner's frames the ultrasound picture lies.

The rule. A pixel is alive where its grey level moves over time; in a still, where it differs from its neighbours, as
speckle does and a flat panel does not. The picture is the convex hull of where half of the neighbourhood is alive,
small areas left out, and those that change seldom: a trace that scrolls, a bar that grows. Bright pixels that stand
still outside of it are the scanner's frame and print, and become black, as what changes seldom does.

Frames that repeat the one before (a frozen screen), or that are black (a fade), tell nothing of movement. Where few
are left, or less moves than differs from its neighbours around it, tissue has had no time to move: what differs belongs
to the picture, too, and what stands still is print only where it is flat or sharp.

A margin beside the picture that holds some print goes. One that holds none may be the shadow of a rib, and cutting
there would change the scale from clip to clip: it goes only as far as the opposite margin is wide.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from scipy import ndimage
from scipy.spatial import ConvexHull

FRAMES = 24  # evenly over those that differ: enough to tell what moves
SAMPLED = 8  # pixels between those that tell whether a frame differs from the one before
REPEATS = 0.1  # of the usual share of pixels that change, up to which a frame is the one before
BLANK = 0.25  # of the usual mean grey level, below which a frame shows nothing yet or any more
LEAST_CHANGE = 2e-3  # share of pixels; compression changes fewer of a frozen screen
ENOUGH = 32  # frames that differ, in which tissue moves
COVERED = 0.8  # of what differs from its neighbours, that moves when tissue has had time to
CHANGES = 1  # grey levels from one of the chosen frames to the next
OFTEN = 0.5  # of the chosen frames, in which speckle changes and a scrolling line does not
FAINT = 25  # grey levels between the darkest and the brightest of a pixel of deep tissue, which changes seldom, too
FLAT = 3  # grey levels by which a panel of one grey differs from itself
SHARP = 25.0  # standard deviation in grey levels among neighbours, where print ends
MOVES = 2.0  # standard deviation over time in grey levels; compression moves still text less
DIFFERS = 1.0  # standard deviation in grey levels of a still's pixels among their neighbours
GRAIN = 5  # pixels a side of these neighbours
STILL_SHARE = 0.02  # of pixels that move, below which the clip is a still
BRIGHT = 40.0  # grey level of text and rulers
NEIGHBOURHOOD = 0.02  # of the frame's shorter edge, at least twice the grain, or a line would fill it
SMALLEST_MOVING = 0.02  # of the largest area: an echo below a dark stretch, not a running clock
SMALLEST_STILL = 0.15  # of the largest area: more than a line of print
HALF_PIXEL_UP = np.array([0.5, 0.0])  # from the middle of a pixel to its edge
LEAST_PRINT = 2e-3  # share of the frame; skin that stays still beside a shadow came to 0.7e-3 in COVID-BLUES


class Picture(NamedTuple):
    rows: slice
    columns: slice
    printed: Bool[np.ndarray, "height width"]  # of the whole frame: to become black

    @property
    def is_whole(self) -> bool:
        sides = zip((self.rows, self.columns), self.printed.shape, strict=True)
        return all(side == slice(0, size) for side, size in sides) and not self.printed.any()

    def cut(self, frames: UInt8[np.ndarray, "frame height width"]) -> UInt8[np.ndarray, "frame rows columns"]:
        return np.where(self.printed, np.uint8(0), frames)[:, self.rows, self.columns]


class _Movement(NamedTuple):
    frames: list[UInt8[np.ndarray, "height width"]]  # the chosen ones
    mean: Float[np.ndarray, "height width"]
    moves: Bool[np.ndarray, "height width"]
    had_time: bool


def find_picture(frames: UInt8[np.ndarray, "frame height width"]) -> Picture:
    """The rule above; a frame in which nothing is found stays whole."""
    movement = _movement(frames)
    if movement.moves.mean() < STILL_SHARE:
        grain = _deviation_in_space(movement.mean)
        inside = _hull(_areas(grain > DIFFERS, SMALLEST_STILL))
        return _picture(movement, inside, np.zeros_like(inside), grain)
    moving, foreign = _parted(_areas(movement.moves, SMALLEST_MOVING), movement)
    if movement.had_time:
        picture = _picture(movement, _hull(moving), foreign, None)
        if picture.is_whole:
            return picture
    grain = _deviation_in_space(movement.mean)
    tissue = _touching(_areas(grain > DIFFERS, SMALLEST_STILL), moving)
    if movement.had_time and moving.sum() >= COVERED * tissue.sum():
        return picture
    alive = tissue | _touching(moving, tissue) if tissue.any() else moving
    return _picture(movement, _hull(alive), foreign, grain)


def _picture(
    movement: _Movement,
    inside: Bool[np.ndarray, "height width"],
    foreign: Bool[np.ndarray, "height width"],
    grain: Float[np.ndarray, "height width"] | None,
) -> Picture:
    """`grain` where tissue may stand still."""
    height, width = inside.shape
    if not inside.any():
        return Picture(slice(0, height), slice(0, width), inside)
    outside = ~ndimage.binary_dilation(inside, iterations=_neighbourhood(inside) // 2)
    printed = (movement.mean > BRIGHT) & ~movement.moves & outside
    if grain is not None:
        printed &= ~_mostly(printed, (grain > DIFFERS) & (grain < SHARP), printed)  # echoes fade among neighbours
    if printed.mean() < LEAST_PRINT:
        printed = np.zeros_like(inside)
    if foreign.any():
        printed |= outside & _boxes(ndimage.binary_propagation(foreign & outside, mask=movement.moves & outside))
    rows, columns = ndimage.find_objects(inside.astype(np.uint8))[0]
    return Picture(
        _without_margins(rows, printed[:, columns].any(axis=1)),
        _without_margins(columns, printed[rows].any(axis=0)),
        ndimage.binary_dilation(printed, iterations=GRAIN) if printed.any() else printed,
    )


def _movement(frames: UInt8[np.ndarray, "frame height width"]) -> _Movement:
    differing = _differing(frames)
    chosen = np.unique(np.linspace(0, len(differing) - 1, FRAMES).round().astype(int))
    shown = [frames[index] for index in differing[chosen]]
    mean, deviation = _over_time(shown)
    return _Movement(shown, mean, deviation > MOVES, len(differing) >= ENOUGH)


def _differing(frames: UInt8[np.ndarray, "frame height width"]) -> Int[np.ndarray, " some"]:
    """The frames that show something, and do not repeat the one before."""
    sample = frames[:, ::SAMPLED, ::SAMPLED].astype(np.int16)
    light = sample.mean(axis=(1, 2))
    lit = np.flatnonzero(light >= BLANK * np.median(light))
    sample = sample[lit]
    changed = (np.abs(np.diff(sample, axis=0)) > MOVES).mean(axis=(1, 2))
    changing = changed[changed > LEAST_CHANGE]
    least = max(LEAST_CHANGE, REPEATS * float(np.median(changing))) if len(changing) else np.inf
    return lit[np.append(True, changed > least)]


def _parted(
    moving: Bool[np.ndarray, "height width"], movement: _Movement
) -> tuple[Bool[np.ndarray, "height width"], Bool[np.ndarray, "height width"]]:
    """Without the areas that change seldom, and these; told from every second pixel."""
    frames, moves, areas = movement.frames, movement.moves[::2, ::2], moving[::2, ::2]
    changes = np.zeros(moves.shape, np.uint8)
    halves = [np.ascontiguousarray(frame[::2, ::2]) for frame in frames]
    darkest = brightest = halves[0]
    for before, after in pairwise(halves):
        changes += np.maximum(before, after) - np.minimum(before, after) > CHANGES
        darkest, brightest = np.minimum(darkest, after), np.maximum(brightest, after)
    often = changes >= OFTEN * (len(frames) - 1)
    near = ndimage.binary_dilation(_dense(moves & often), iterations=2)
    seldom = _mostly(areas & ~near, moves & ~often & (brightest - darkest > FAINT), moves)
    seldom = _on_flat_ground(seldom, darkest, moves)
    foreign = moving & seldom.repeat(2, axis=0).repeat(2, axis=1)[: moving.shape[0], : moving.shape[1]]
    return (_large(moving & ~foreign, SMALLEST_MOVING), foreign) if foreign.any() else (moving, foreign)


def _on_flat_ground(
    areas: Bool[np.ndarray, "height width"],
    darkest: UInt8[np.ndarray, "height width"],
    moves: Bool[np.ndarray, "height width"],
) -> Bool[np.ndarray, "height width"]:
    """Areas behind which the screen has one grey, as behind a trace or a bar; tissue that moved once has texture."""
    labels, count = ndimage.label(areas)
    if count == 0:
        return areas
    moving = np.where(moves, labels, 0)
    ground = ndimage.median(darkest, moving, np.arange(count + 1))
    return _mostly(areas, moves & (np.abs(darkest - ground[labels]) <= FLAT), moves)


def _mostly(
    areas: Bool[np.ndarray, "height width"],
    these: Bool[np.ndarray, "height width"],
    counted: Bool[np.ndarray, "height width"],
) -> Bool[np.ndarray, "height width"]:
    """Areas of whose counted pixels more than half are `these`."""
    labels, _ = ndimage.label(areas)
    each, all_ = (np.bincount(labels.ravel(), pixels.ravel()) for pixels in (these, counted))
    return areas & (each > 0.5 * all_)[labels]


def _boxes(areas: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """With the spikes of a trace, which fill no area and of which few frames show each."""
    filled = areas.copy()
    labels, _ = ndimage.label(areas)
    for box in ndimage.find_objects(labels):
        filled[box] = True
    return filled


def _touching(
    areas: Bool[np.ndarray, "height width"], others: Bool[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    labels, count = ndimage.label(areas)
    touching = np.zeros(count + 1, bool)
    touching[labels[others & areas]] = True
    return touching[labels]


def _over_time(
    chosen: list[UInt8[np.ndarray, "height width"]],
) -> tuple[Float[np.ndarray, "height width"], Float[np.ndarray, "height width"]]:
    """Mean and standard deviation, a frame at a time for the sake of memory."""
    total = np.zeros(chosen[0].shape, np.float32)
    squares = np.zeros_like(total)
    for each in chosen:
        frame = each.astype(np.float32)
        total += frame
        squares += frame**2
    mean = total / len(chosen)
    return mean, np.sqrt(np.maximum(squares / len(chosen) - mean**2, 0))


def _deviation_in_space(grey: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
    mean = ndimage.uniform_filter(grey, GRAIN)
    return np.sqrt(np.maximum(ndimage.uniform_filter(grey**2, GRAIN) - mean**2, 0))


def _areas(alive: Bool[np.ndarray, "height width"], smallest: float) -> Bool[np.ndarray, "height width"]:
    """Dense areas of a size; thin lines and print are neither."""
    return _large(_dense(alive), smallest)


def _dense(alive: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    dense: Bool[np.ndarray, "height width"] = (
        ndimage.uniform_filter(alive.astype(np.float32), _neighbourhood(alive), mode="constant") >= 0.5
    )
    return dense


def _large(areas: Bool[np.ndarray, "height width"], smallest: float) -> Bool[np.ndarray, "height width"]:
    labels, count = ndimage.label(areas)
    if count == 0:
        return areas
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0  # of what is no area
    return (sizes >= max(1, smallest * sizes.max()))[labels]


def _hull(area: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    rows = np.flatnonzero(area.any(axis=1))
    if len(rows) == 0:
        return area
    first = area[rows].argmax(axis=1)
    last = area.shape[1] - 1 - area[rows, ::-1].argmax(axis=1)
    ends = np.column_stack([np.tile(rows, 2), np.concatenate([first - 0.5, last + 0.5])])
    corners = np.concatenate([ends - HALF_PIXEL_UP, ends + HALF_PIXEL_UP])
    down, right, offset = ConvexHull(corners).equations.T[:, :, None]
    y = np.arange(area.shape[0])
    reach = -(down * y + offset)  # right · x is at most this
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = reach / right
    start = np.where(right < 0, bound, -np.inf).max(axis=0)
    end = np.where(right > 0, bound, np.inf).min(axis=0)
    within: Bool[np.ndarray, " height"] = np.where(right == 0, reach, 0).min(axis=0) >= 0
    x = np.arange(area.shape[1])
    inside: Bool[np.ndarray, "height width"] = (x >= start[:, None]) & (x <= end[:, None]) & within[:, None]
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
