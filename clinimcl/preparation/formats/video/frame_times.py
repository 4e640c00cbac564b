"""When each frame of a clip is on the screen."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
from jaxtyping import Float, Int

FASTEST, SLOWED = 1, 10  # hundredths of a second of a frame of a GIF
MOST_HELD = 10.0  # seconds
WHOLE_LAST = 1.5  # of the usual step, up to which the last frame of an even clip is shown as long as the others


def edges_of(
    times: Sequence[int | None], last: int | None, second: float, *, estimated: bool = False
) -> Float[np.ndarray, " edge"] | None:
    """Seconds from the first frame on; None where the frames follow each other evenly, or no times are stated.

    A time that is missing lies between its neighbours. Where times go back (recordings one behind the other), the
    frame before is shown for the usual step. Steps that differ by the rounding to whole ticks are even.

    Args:
        times: at which frames come on the screen, in ticks, in the order of the frames.
        last: ticks for which the last frame is shown; None or 0: the usual step.
        second: ticks.
        estimated: the container (MPEG) states some times alone, and may go on from elsewhere: others may be a step off,
            and no frame is held for more than 10 seconds.
    """
    known = np.array([time for time in times if time is not None], np.int64)
    if len(known) < 2:
        return None
    if len(known) == len(times) and _is_steady(known, last):
        return None
    places = np.arange(len(times))
    stated = np.array([time is not None for time in times])
    steps = np.diff(_extended(places, places[stated], known.astype(np.float64)))
    if not (steps > 0).any():
        return None
    usual = float(np.median(steps[steps > 0]))
    most = MOST_HELD * second if estimated else np.inf
    steps = np.where((steps < 0) | (steps > most), usual, steps)
    starts = np.concatenate([[0.0], np.cumsum(steps)])
    shown = last or usual
    if _is_even(starts, usual if estimated else 0.0) and shown <= WHOLE_LAST * usual:
        return None
    return np.append(starts, starts[-1] + shown) / second


def _is_steady(times: Int[np.ndarray, " frame"], last: int | None) -> bool:
    """Told at once of the usual clip, all of whose steps are the same."""
    step = int(times[1] - times[0])
    return step > 0 and (last or step) <= WHOLE_LAST * step and bool((times[1:] - times[:-1] == step).all())


def _extended(
    places: Int[np.ndarray, " frame"], known: Int[np.ndarray, " some"], times: Float[np.ndarray, " some"]
) -> Float[np.ndarray, " frame"]:
    """Linear between those known, and on beyond them."""
    pace = (times[-1] - times[0]) / (known[-1] - known[0])
    before, after = np.minimum(places - known[0], 0), np.maximum(places - known[-1], 0)
    return np.interp(places, known, times) + pace * (before + after)


def _is_even(starts: Float[np.ndarray, " frame"], slack: float) -> bool:
    """To a tick where a step has several, or to `slack` ticks."""
    step = starts[-1] / (len(starts) - 1)
    off = np.abs(starts - step * np.arange(len(starts))).max()
    return bool(off <= max(slack, 1.0 if step > 2 else 0.01))


def slow_down(times: Sequence[int | None], last: int | None) -> tuple[list[int | None], int | None]:
    """Times of a GIF as browsers play it: a frame of up to 0.01 s is shown for 0.1 s.

    Source: Chromium, GIFImageDecoder; Firefox, FrameTimeout::Normalized.
    """
    known = [time or 0 for time in times]
    steps = [after - before for before, after in pairwise(known)]
    starts = accumulate((SLOWED if step <= FASTEST else step for step in steps), initial=known[0])
    return list(starts), SLOWED if (last or 0) <= FASTEST else last
