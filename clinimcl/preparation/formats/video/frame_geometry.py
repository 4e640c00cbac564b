"""The sizes that frames may have; frames whose pixels are oblong → frames of square pixels."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from clinimcl.preparation.formats.reading import UnusableScan

MOST_OBLONG = 8.0  # width over height of a pixel, or height over width
LEAST_SIDE, MOST_SIDE = 8, 8192
MOST_PIXELS = 2**30  # of a clip: 1920 × 1080 for 17 seconds
SQUARE = 0.01  # by which the width of a pixel may differ from its height and no frame is resampled


def check_size(frames: int, height: int, width: int, most_pixels: int) -> None:
    """Refuse before memory is asked for.

    Raises:
        UnusableScan: no picture could have this size.
    """
    sides = sorted((height, width))
    size = f"has an absurd size: {frames} frames of {height} × {width} pixels"
    if not LEAST_SIDE <= sides[0] <= sides[1] <= MOST_SIDE or frames <= 0:
        raise UnusableScan(size)
    fit = most_pixels // (height * width)
    if frames > fit:
        raise UnusableScan(f"{size}, of which {fit} are read at most: cut it (ffmpeg -t), or make it smaller")


def square_pixels(
    frames: UInt8[np.ndarray, "frame height width"], aspect: float, most_pixels: int = MOST_PIXELS
) -> UInt8[np.ndarray, "frame taller wider"]:
    """Stretch the direction that is too short on a screen, so that no detail is lost.

    Args:
        aspect: width over height of a pixel as it is shown; 2 doubles the columns, 1/2 the rows.
        most_pixels: of all frames together, as they come out.

    Returns:
        The frames themselves where the pixels are square to 1 %.

    Raises:
        UnusableScan: no scanner has such pixels, or the frames would be too large.
    """
    if abs(aspect - 1) <= SQUARE:
        return frames
    if not 1 / MOST_OBLONG <= aspect <= MOST_OBLONG:
        raise UnusableScan(f"has pixels {aspect:.3g} times as wide as high, expected 1/8 to 8")
    count, height, width = frames.shape
    size = (height, round(width * aspect)) if aspect > 1 else (round(height / aspect), width)
    if max(size) > MOST_SIDE or count * size[0] * size[1] > most_pixels:
        raise UnusableScan(f"has an absurd size: {count} frames of {size[0]} × {size[1]} square pixels")
    squared = np.empty((count, *size), np.uint8)
    for index, frame in enumerate(frames):
        squared[index] = Image.fromarray(frame).resize(size[::-1], Image.Resampling.BILINEAR)
    return squared
