"""A decoded frame of whatever pixel format → the grey levels that a screen shows of it."""

from functools import cache
from typing import Any

import numpy as np
from jaxtyping import UInt8

LIMITED = 1  # libavutil's AVCOL_RANGE_MPEG: black is 16 and white 235 of 255


def shown_grey(frame: Any, converter: Any) -> UInt8[np.ndarray, "height width"]:
    """From 0 to 255, by the range that the stream states; what is transparent lies on black.

    Where none is stated, luma with chroma is of the limited range, as the standards of video have it, and so is H.265
    without chroma; other luma without chroma, such as raw or FFV1, is of the full one, as FFmpeg has it. Luma is the
    stream's own; of RGB it is that of ITU-R BT.601.

    Args:
        converter: PyAV's VideoReformatter, one for all frames: each that is new takes as long as a frame.
    """
    if frame.color_range == LIMITED and len(frame.format.components) < 3 and not frame.format.is_rgb:
        grey = _from_limited(frame, converter)
    else:
        grey = converter.reformat(frame, format="gray", threads=1).to_ndarray()
    return _on_black(grey, frame) if _has_alpha(frame.format.name) else grey


def _from_limited(frame: Any, converter: Any) -> UInt8[np.ndarray, "height width"]:
    """libswscale takes all luma without chroma for full."""
    bits = frame.format.components[0].bits
    if bits == 8:
        return _limited_levels(8)[converter.reformat(frame, format="gray", threads=1).to_ndarray()]
    return _limited_levels(bits)[converter.reformat(frame, format="gray16le", threads=1).to_ndarray()]


@cache
def _limited_levels(bits: int) -> UInt8[np.ndarray, " level"]:
    """Of each level of 8 bits, or of those of more bits scaled to 16."""
    stored = np.linspace(0, 2**bits - 1, 2 ** (8 if bits == 8 else 16))
    return np.rint(255 * np.clip((stored / 2 ** (bits - 8) - 16) / 219, 0, 1)).astype(np.uint8)


@cache
def _has_alpha(pixels: str) -> bool:
    from av import VideoFormat

    known = VideoFormat(pixels, 16, 16)
    return bool(known.has_palette) or any(component.is_alpha for component in known.components)


def _on_black(grey: UInt8[np.ndarray, "height width"], frame: Any) -> UInt8[np.ndarray, "height width"]:
    alpha = frame.to_ndarray(format="rgba", threads=1)[..., 3]
    if alpha.min() == 255:
        return grey
    return ((grey.astype(np.uint16) * alpha + 127) // 255).astype(np.uint8)
