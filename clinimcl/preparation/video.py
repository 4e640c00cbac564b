"""The bytes of a video or a still → its frames in grey."""

import io
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from clinimcl.preparation.reading import UnusableScan

ENDINGS = (".mp4", ".m4v", ".avi", ".mov", ".mpeg", ".mpg", ".gif", ".png", ".jpg", ".jpeg")
# Playlists are none of these: such a file names others, and opening it would read them.
CONTAINERS = "mov,mp4,avi,mpeg,mpegvideo,mpegts,gif,png_pipe,apng,jpeg_pipe"
MOST_PIXELS = 2**30  # of a clip: 1920 × 1080 for 17 seconds
MOST_SIDE = 8192
LEAST_SIDE = 8
FEWEST_OF_ANNOUNCED = 0.9  # headers of whole files are a frame or two off
_LAST_BYTES = {b"GIF8": b";", b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG": b"IEND\xaeB`\x82"}


class Clip(NamedTuple):
    """Grey levels, rows from top to bottom; a still is a clip of one frame."""

    frames: UInt8[np.ndarray, "frame height width"]


def decode_video(content: bytes) -> Clip:
    """MP4, AVI, QuickTime, MPEG, GIF, PNG or JPEG, told apart by content; one thread, since workers are many.

    Raises:
        UnusableScan: with the reason.
    """
    import av

    for first, last in _LAST_BYTES.items():
        if content.startswith(first) and not content.rstrip(b"\0").endswith(last):
            raise UnusableScan("truncated: the end of the picture is missing")
    limits = {"format_whitelist": CONTAINERS, "max_pixels": str(MOST_SIDE**2)}
    try:
        with av.open(io.BytesIO(content), options=limits) as container:
            return Clip(np.stack(_grey_frames(container)))
    except (av.FFmpegError, ArithmeticError, ValueError) as error:
        raise UnusableScan(f"the video does not decode ({type(error).__name__})") from None


def check_size(frames: int, height: int, width: int) -> None:
    """Refuse before memory is asked for.

    Raises:
        UnusableScan: no picture could have this size.
    """
    if not LEAST_SIDE <= min(height, width) <= max(height, width) <= MOST_SIDE or frames * height * width > MOST_PIXELS:
        raise UnusableScan(f"has an absurd size: {frames} frames of {height} × {width} pixels")


def _grey_frames(container: Any) -> list[UInt8[np.ndarray, "height width"]]:
    if not container.streams.video:
        raise UnusableScan("holds no video")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise UnusableScan("the video does not decode (its codec is unknown)")
    stream.codec_context.thread_count = 1
    check_size(max(1, stream.frames), stream.height, stream.width)
    found: list[UInt8[np.ndarray, "height width"]] = []
    for frame in container.decode(stream):
        check_size(len(found) + 1, frame.height, frame.width)
        if frame.is_corrupt:
            raise UnusableScan("damaged: a frame of the video fails its check")
        if found and found[0].shape != (frame.height, frame.width):
            raise UnusableScan("changes the size of its frames")
        found.append(frame.to_ndarray(format="gray", threads=1))
    if not found:
        raise UnusableScan("has no frames")
    if len(found) < FEWEST_OF_ANNOUNCED * stream.frames:
        raise UnusableScan(f"truncated: {len(found)} of {stream.frames} frames decode")
    return found
