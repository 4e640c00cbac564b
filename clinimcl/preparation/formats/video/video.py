"""The bytes of a video or a still → its frames in grey, upright and of square pixels, and when each is shown."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.formats.video.frame_geometry import MOST_PIXELS, MOST_SIDE, check_size, square_pixels
from clinimcl.preparation.formats.video.frame_orientation import Orientation
from clinimcl.preparation.formats.video.frame_times import edges_of, slow_down
from clinimcl.preparation.formats.video.grey_levels import shown_grey
from clinimcl.preparation.formats.video.stills import Still, read_still
from clinimcl.preparation.formats.video.video_formats import other_format
from clinimcl.preparation.formats.video.video_track import find_track, first_jpeg, stated_end

ENDINGS = (".mp4", ".m4v", ".avi", ".mov", ".mpeg", ".mpg", ".gif", ".png", ".jpg", ".jpeg")
# Playlists are none of these: such a file names others, and opening it would read them.
CONTAINERS = "mov,mp4,avi,mpeg,mpegvideo,mpegts,h264,hevc,gif,png_pipe,apng,jpeg_pipe"
KEPT = 17  # frames of a decoder: 16 from which others are predicted, and the one that comes
PADDING = 64  # pixels by which a decoder rounds up the sides of its frames
ALONE = ("png", "apng", "mjpeg", "gif")  # codecs whose frames are predicted from none
LEAST_OF_STATED = 0.9  # of the time; headers of whole files are a frame or two off
TIMELESS = ("mpegvideo", "h264", "hevc")  # containers that state no times
ESTIMATED = ("mpeg", "mpegts")  # that state the times of some frames alone
HALF_TURN = 180
OF_ROTATION = {-90: 6, 90: 8}  # degrees to the left → as Exif counts orientations
PERSISTING = ("h264", "hevc")  # codecs that state a turn once, for the frames that follow, too
TURNED_AT_FIRST = "a turn is stated for its first frames alone, and taken for that of all"
NOT_MIRRORED = "its frames carry data that PyAV does not read, so that they are taken as not mirrored"


class Clip(NamedTuple):
    """Grey levels, rows from top to bottom; a still is a clip of one frame."""

    frames: UInt8[np.ndarray, "frame height width"]
    edges: Float[np.ndarray, " edge"] | None = None  # seconds: frame i is shown from edges[i] to edges[i + 1]
    remark: str = ""  # as that of `Scan`


@dataclass
class _Timeline:
    """What is noted of frames as they are decoded."""

    times: list[int | None] = field(default_factory=list)  # ticks, in the order in which they are shown
    last: int | None = None  # ticks for which the last one is shown
    remark: str = ""


def decode_video(content: bytes, most_bytes: int = sys.maxsize) -> Clip:
    """MP4, AVI, QuickTime, MPEG, bare H.264 and H.265, GIF, PNG or JPEG, told apart by content.

    One thread, since workers are many.

    Frames come as a player shows them: those that an edit list hides are none, each is turned and mirrored as the
    display matrix or the Exif orientation says, and stretched where its pixels are not square.

    Args:
        most_bytes: of the clip, and of the frames that its decoder keeps.

    Raises:
        UnusableScan: with the reason.
    """
    if what := other_format(content):
        raise UnusableScan(what)
    most = min(MOST_PIXELS, most_bytes)
    still = read_still(content)
    with _opened(content, still, MOST_SIDE**2) as stream:
        check_size(max(1, stream.frames), stream.height, stream.width, most)
        _check_decoder(stream, most_bytes)
        timeline = _Timeline(remark=still.remark if still else "")
        frames = _written(_shown_frames(stream, still, content, timeline, most), most)
        _check_end(stream, timeline, content)
        return Clip(frames, _edges(stream, timeline), timeline.remark)


def decode_still(content: bytes, height: int, width: int) -> UInt8[np.ndarray, "height width"] | None:
    """The grey levels as they are stored: neither turned nor stretched, whatever the picture says of itself.

    None where its header tells another size: then no pixel is decoded.

    Raises:
        UnusableScan: with the reason.
    """
    with _opened(content, read_still(content), (height + PADDING) * (width + PADDING)) as stream:
        if (stream.height, stream.width) != (height, width):
            return None
        return next(_decoded(stream, height * width)).to_ndarray(format="gray", threads=1)


@contextmanager
def _opened(content: bytes, still: Still | None, most_pixels: int) -> Iterator[Any]:
    """The stream of frames, none of which is decoded that has more pixels; of a still, the first picture."""
    import av

    file = io.BytesIO(content if still is None or still.end == len(content) else content[: still.end])
    limits = {"max_pixels": str(most_pixels)}
    try:
        with av.open(file, options={"format_whitelist": CONTAINERS, **limits}) as container:
            stream = find_track(container)
            stream.codec_context.thread_count, stream.codec_context.options = 1, limits
            yield stream
    except (av.FFmpegError, ArithmeticError, ValueError) as error:
        raise UnusableScan(f"the video does not decode ({type(error).__name__})") from None


def _check_decoder(stream: Any, most_bytes: int) -> None:
    kept = 1 if stream.codec_context.name in ALONE else KEPT
    bits = stream.format.padded_bits_per_pixel if stream.format else 8
    if kept * stream.height * stream.width * bits > 8 * most_bytes:
        raise UnusableScan(f"has an absurd size: frames of {stream.height} × {stream.width} pixels of {bits} bits")


def _decoded(stream: Any, most_pixels: int) -> Iterator[Any]:
    count, shape = 0, None
    for count, frame in enumerate(stream.container.decode(stream), start=1):
        check_size(count, frame.height, frame.width, most_pixels)
        if frame.is_corrupt:
            raise UnusableScan("damaged: a frame of the video fails its check")
        if shape not in (None, (frame.height, frame.width)):
            raise UnusableScan("changes the size of its frames")
        shape = (frame.height, frame.width)
        yield frame
    if not count:
        raise UnusableScan("has no frames")


def _shown_frames(
    stream: Any, still: Still | None, content: bytes, timeline: _Timeline, most_pixels: int
) -> Iterator[UInt8[np.ndarray, "rows columns"]]:
    from av.video.reformatter import VideoReformatter

    converter = VideoReformatter()
    aspect = float((still.aspect if still else stream.sample_aspect_ratio) or 1)  # width over height of a pixel
    for frame in _decoded(stream, most_pixels):
        if not timeline.times:
            rotation = frame.rotation
            if still is not None:
                orientation = Orientation.of_exif(still.orientation)
            else:
                orientation = _orientation(frame, stream, content, timeline)
        if frame.rotation != rotation:
            _check_turn(frame, stream, timeline)
        timeline.times.append(frame.pts)
        timeline.last = frame.duration
        squared = square_pixels(shown_grey(frame, converter)[None], aspect)[0]
        if aspect != 1:
            check_size(len(timeline.times), squared.shape[0], squared.shape[1], most_pixels)
        yield orientation.upright(squared)


def _check_turn(frame: Any, stream: Any, timeline: _Timeline) -> None:
    """Of a frame that is not turned as the first one is: by nothing of its own, or otherwise.

    Source: ITU-T H.264, D.2.27; H.265, D.3.17.
    """
    if frame.rotation or stream.codec_context.name not in PERSISTING:
        raise UnusableScan("changes how its frames are turned")
    if frame.key_frame:  # with which a turn would be stated anew
        timeline.remark = TURNED_AT_FIRST


def _orientation(frame: Any, stream: Any, content: bytes, timeline: _Timeline) -> Orientation:
    """Of one frame alone: PyAV keeps each whose side data is asked for until garbage is collected."""
    try:
        matrix = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV 18.1 refuses all of it where one kind is new to it, such as Exif in frames of JPEG
        picture = first_jpeg(stream, content)
        if picture is not None:
            return Orientation.of_exif(picture.orientation)
        if abs(frame.rotation) == HALF_TURN:
            raise UnusableScan("is turned or mirrored, PyAV does not tell which: save it upright") from None
        timeline.remark = NOT_MIRRORED
        return Orientation.of_exif(OF_ROTATION.get(frame.rotation, 1))
    return Orientation() if matrix is None else Orientation.of_matrix(bytes(matrix))


def _check_end(stream: Any, timeline: _Timeline, content: bytes) -> None:
    """Times are compared, not counts: an edit list hides frames, and an AVI's gaps are counted as frames."""
    stated = stated_end(stream, content)
    if stated is None or timeline.times[-1] is None:
        return
    start, end = stream.start_time or 0, timeline.times[-1] + (timeline.last or 0)
    if end - start < LEAST_OF_STATED * (stated - start):
        seconds = [float((time - start) * stream.time_base) for time in (end, stated)]
        raise UnusableScan(f"truncated: its frames end after {seconds[0]:.3g} of {seconds[1]:.3g} seconds")


def _edges(stream: Any, timeline: _Timeline) -> Float[np.ndarray, " edge"] | None:
    container, times, last = stream.container.format.name, timeline.times, timeline.last
    if container in TIMELESS:
        return None
    if container == "gif":
        times, last = slow_down(times, last)
    elif container == "avi" and times[-1] is not None:
        last = max(last or 0, stream.frames - times[-1])  # empty frames at the end
    return edges_of(times, last, float(1 / stream.time_base), estimated=container in ESTIMATED)


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
