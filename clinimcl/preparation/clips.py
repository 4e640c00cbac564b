"""A video → the few square frames that training sees."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Float16, UInt8

from clinimcl.preparation.formats.reading import Scan, UnusableScan
from clinimcl.preparation.formats.video.video import Clip
from clinimcl.preparation.geometry import triangle_weights
from clinimcl.preparation.pipeline import Pipeline
from clinimcl.preparation.ultrasound_sector import find_picture

ROUNDING = 1e-9  # of a clip's length: a frame that comes just in the middle is the one on the screen


@final
@dataclass(frozen=True, kw_only=True)
class Clips(Pipeline):
    """Grey frames, evenly over the clip's time, fitted into a square without stretching; black is 0, white 1."""

    frames: int  # of the prepared clip; a shorter one repeats its own
    side: int  # pixels
    crop: bool  # to the picture, without the scanner's frame and text

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames < 1 or self.side < 2:
            raise ValueError(f"frames must be at least 1 and side 2 pixels, got {self.frames} and {self.side}")

    def prepare(self, decoded: Scan | Clip, mask: Scan | None = None) -> Float16[np.ndarray, "frame side side"]:
        if isinstance(decoded, Scan):
            raise UnusableScan("is a volume, expected a video or a still: preparation=field_of_view prepares volumes")
        if mask is not None:
            raise UnusableScan("has a mask, which a video cannot take")
        shown = decoded.frames[evenly(len(decoded.frames), self.frames, decoded.edges)]
        if self.crop:
            shown = find_picture(decoded.frames).cut(shown)
        clip = fit(shown, self.side)
        if self.is_flat(clip):
            raise UnusableScan("is of one grey throughout")
        return self.rounded(clip)


def evenly(available: int, wanted: int, edges: Float[np.ndarray, " edge"] | None = None) -> list[int]:
    """The frames on the screen in the middles of `wanted` equal stretches of the clip's time.

    Args:
        edges: when each frame is shown, as in `Clip`; None: all for equally long.
    """
    if edges is None:
        return [(2 * index + 1) * available // (2 * wanted) for index in range(wanted)]
    length = edges[-1] - edges[0]
    middles = edges[0] + length * ((np.arange(wanted) + 0.5) / wanted + ROUNDING)
    return [int(frame) for frame in np.searchsorted(edges[1:-1], middles, side="right")]


def fit(frames: UInt8[np.ndarray, "frame height width"], side: int) -> Float[np.ndarray, "frame side side"]:
    """The frames in the middle of a black square as wide as their longer edge, resampled as volumes are."""
    longer = max(frames.shape[1:])
    resampled = frames.astype(np.float32) / 255
    for size in frames.shape[1:]:
        weights = triangle_weights(size, 1.0, (size - 1) / 2, side, float(longer))
        resampled = np.tensordot(resampled, weights, axes=(1, 1))  # moves the axis to the end: two turns restore order
    return np.clip(resampled, 0, 1)
