"""What a container says of its streams: which is the clip, when it ends, where its first picture lies."""

import struct
from typing import Any

from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.formats.video.stills import JPEG, Still, read_still

CHUNK_HEADER = 8  # bytes, which AVI counts into where a frame lies
AS_LONG = 0.9  # of the longest stream: a preview lasts as long as the clip


def find_track(container: Any) -> Any:
    """The stream with the most pixels among the longest of those that are shown by default; no cover, no thumbnail.

    Raises:
        UnusableScan: there is none, or its codec is unknown.
    """
    from av.stream import Disposition

    beside = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    tracks = [stream for stream in container.streams.video if not stream.disposition & beside]
    if not tracks:
        raise UnusableScan("holds no video")
    tracks = [stream for stream in tracks if stream.disposition & Disposition.default] or tracks
    longest = max(map(_seconds, tracks))
    tracks = [stream for stream in tracks if _seconds(stream) >= AS_LONG * longest]
    known = [stream for stream in tracks if stream.codec_context is not None]
    if not known:
        raise UnusableScan("the video does not decode (its codec is unknown)")
    return max(known, key=lambda stream: stream.height * stream.width)


def _seconds(stream: Any) -> float:
    return float((stream.duration or 0) * stream.time_base)


def stated_end(stream: Any, content: bytes) -> int | None:
    """In ticks; None where the container counts no frames, or shows otherwise that none is missing.

    The frames that an AVI counts are those of its duration, some of which may be empty, at the end too: then the file
    is as long as its own header says.
    """
    if not stream.frames:
        return None
    if stream.container.format.name == "avi":
        return None if _is_whole_riff(content) else int(stream.frames)
    return None if stream.duration is None else int((stream.start_time or 0) + stream.duration)


def _is_whole_riff(content: bytes) -> bool:
    place = 0
    while content[place : place + 4] == b"RIFF" and place + 8 <= len(content):
        size = struct.unpack_from("<I", content, place + 4)[0]
        place += 8 + size + size % 2
        if not size or place > len(content) + 1:
            return False
    return place > 0


def first_jpeg(stream: Any, content: bytes) -> Still | None:
    """What the first frame of a stream of JPEG pictures says of itself; None where it is no such stream."""
    if stream.codec_context.name != "mjpeg" or not len(stream.index_entries):
        return None
    entry = stream.index_entries[0]
    chunk = content[entry.pos : entry.pos + entry.size + CHUNK_HEADER]
    return read_still(chunk[max(0, chunk.find(JPEG)) :])
