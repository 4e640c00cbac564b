"""The bytes of a video or a still → its frames in grey."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from clinimcl.preparation.reading import UnusableScan

ENDINGS = (".mp4", ".m4v", ".avi", ".mov", ".mpeg", ".mpg", ".gif", ".png", ".jpg", ".jpeg")
# Playlists are none of these: such a file names others, and opening it would read them.
CONTAINERS = "mov,mp4,avi,mpeg,mpegvideo,mpegts,gif,png_pipe,apng,jpeg_pipe"
MOST_PIXELS = 2**30  # of a clip: 1920 × 1080 for 17 seconds
MOST_SIDE = 8192
LEAST_SIDE = 8
KEPT = 17  # frames of a decoder: 16 from which others are predicted, and the one that comes
PADDING = 64  # pixels by which a decoder rounds up the sides of its frames
ALONE = ("png", "apng", "mjpeg", "gif")  # codecs whose frames are predicted from none
FEWEST_OF_ANNOUNCED = 0.9  # headers of whole files are a frame or two off
_LAST_BYTES = {b"GIF8": b";", b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG": b"IEND\xaeB`\x82"}


class Clip(NamedTuple):
    """Grey levels, rows from top to bottom; a still is a clip of one frame."""

    frames: UInt8[np.ndarray, "frame height width"]
    edges: Float[np.ndarray, " edge"] | None = None  # seconds: frame i is shown from edges[i] to edges[i + 1]
    remark: str = ""  # as that of `Scan`


def decode_video(content: bytes, most_bytes: int = sys.maxsize) -> Clip:
    """MP4, AVI, QuickTime, MPEG, GIF, PNG or JPEG, told apart by content; one thread, since workers are many.

    Args:
        most_bytes: of the clip, and of the frames that its decoder keeps.

    Raises:
        UnusableScan: with the reason.
    """
    most = min(MOST_PIXELS, most_bytes)
    with _opened(content, MOST_SIDE**2) as stream:
        check_size(max(1, stream.frames), stream.height, stream.width, most)
        _check_decoder(stream, most_bytes)
        return Clip(_written(_grey_frames(stream, most), most))


def decode_still(content: bytes, height: int, width: int) -> UInt8[np.ndarray, "height width"] | None:
    """None where its header tells another size: then no pixel is decoded.

    Raises:
        UnusableScan: with the reason.
    """
    with _opened(content, (height + PADDING) * (width + PADDING)) as stream:
        if (stream.height, stream.width) != (height, width):
            return None
        return next(_grey_frames(stream, height * width))


def check_size(frames: int, height: int, width: int, most_pixels: int) -> None:
    """Refuse before memory is asked for.

    Raises:
        UnusableScan: no picture could have this size.
    """
    sides = sorted((height, width))
    if not LEAST_SIDE <= sides[0] <= sides[1] <= MOST_SIDE or not 0 < frames * height * width <= most_pixels:
        raise UnusableScan(f"has an absurd size: {frames} frames of {height} × {width} pixels")


@contextmanager
def _opened(content: bytes, most_pixels: int) -> Iterator[Any]:
    """The stream of frames, none of which is decoded that has more pixels."""
    import av

    for first, last in _LAST_BYTES.items():
        if content.startswith(first) and not content.rstrip(b"\0").endswith(last):
            raise UnusableScan("truncated: the end of the picture is missing")
    limits = {"max_pixels": str(most_pixels)}
    try:
        with av.open(io.BytesIO(content), options={"format_whitelist": CONTAINERS, **limits}) as container:
            if not container.streams.video:
                raise UnusableScan("holds no video")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise UnusableScan("the video does not decode (its codec is unknown)")
            stream.codec_context.thread_count, stream.codec_context.options = 1, limits
            yield stream
    except (av.FFmpegError, ArithmeticError, ValueError) as error:
        raise UnusableScan(f"the video does not decode ({type(error).__name__})") from None


def _check_decoder(stream: Any, most_bytes: int) -> None:
    kept = 1 if stream.codec_context.name in ALONE else KEPT
    bits = stream.format.padded_bits_per_pixel if stream.format else 8
    if kept * stream.height * stream.width * bits > 8 * most_bytes:
        raise UnusableScan(f"has an absurd size: frames of {stream.height} × {stream.width} pixels of {bits} bits")


def _grey_frames(stream: Any, most_pixels: int) -> Iterator[UInt8[np.ndarray, "height width"]]:
    count, shape = 0, None
    for count, frame in enumerate(stream.container.decode(stream), start=1):
        check_size(count, frame.height, frame.width, most_pixels)
        if frame.is_corrupt:
            raise UnusableScan("damaged: a frame of the video fails its check")
        if shape not in (None, (frame.height, frame.width)):
            raise UnusableScan("changes the size of its frames")
        shape = (frame.height, frame.width)
        yield frame.to_ndarray(format="gray", threads=1)
    if not count:
        raise UnusableScan("has no frames")
    if count < FEWEST_OF_ANNOUNCED * stream.frames:
        raise UnusableScan(f"truncated: {count} of {stream.frames} frames decode")


def _written(
    frames: Iterator[UInt8[np.ndarray, "height width"]], most_pixels: int
) -> UInt8[np.ndarray, "frame height width"]:
    """Where as many would fit as there may be, whatever is announced: pages that no frame reaches take no memory."""
    first = next(frames)
    written = np.empty((most_pixels // first.size, *first.shape), np.uint8)
    written[0], count = first, 1
    for count, frame in enumerate(frames, start=2):
        written[count - 1] = frame
    written.resize((count, *first.shape), refcheck=False)  # in place
    return written
