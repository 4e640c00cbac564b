import io
import struct

import av
import numpy as np
import pytest

from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.formats.video.video import decode_video
from tests.preparation.formats.video.test_video import encoded, gradient

MP4_DEFAULT = av.stream.Disposition.default
COVER = av.stream.Disposition.attached_pic


def tracks(*sizes_and_frames, container="mp4", dispositions=()):
    """A black track for each pair of a side in pixels and a number of frames."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        streams = []
        for index, (side, _) in enumerate(sizes_and_frames):
            codec = "mjpeg" if dispositions and dispositions[index] == COVER else "mpeg4"
            stream = output.add_stream(codec, rate=25)
            stream.width = stream.height = side
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            if dispositions:
                stream.disposition = dispositions[index]
            streams.append(stream)
        for stream, (side, frames) in zip(streams, sizes_and_frames, strict=True):
            for index in range(frames):
                frame = av.VideoFrame(side, side, stream.pix_fmt)
                frame.pts = index
                output.mux(stream.encode(frame))
            output.mux(stream.encode())
    return file.getvalue()


@pytest.mark.parametrize("first", [True, False])
def test_a_cover_is_not_the_clip(first):
    pairs = [((128, 1), COVER), ((32, 5), MP4_DEFAULT)][:: 1 if first else -1]
    content = tracks(*(pair for pair, _ in pairs), dispositions=[disposition for _, disposition in pairs])
    assert decode_video(content).frames.shape == (5, 32, 32)


def test_a_cover_alone_is_no_video():
    with pytest.raises(UnusableScan, match="holds no video"):
        decode_video(tracks((32, 1), dispositions=[COVER]))


@pytest.mark.parametrize("order", [1, -1])
def test_the_clip_is_the_largest_of_the_longest_tracks(order):
    assert decode_video(tracks(*[(32, 20), (64, 19)][::order], container="avi")).frames.shape[1:] == (64, 64)
    assert decode_video(tracks(*[(32, 20), (64, 1)][::order], container="avi")).frames.shape[1:] == (32, 32)


def test_the_track_that_players_show_goes_before_a_longer_one():
    content = tracks((32, 5), (64, 20), dispositions=[MP4_DEFAULT, av.stream.Disposition(0)])
    assert decode_video(content).frames.shape == (5, 32, 32)


def test_empty_frames_at_the_end_of_an_avi_hold_the_last_one():
    content = bytearray(encoded(gradient(), "avi", "mjpeg", "yuvj420p"))
    place = content.index(b"strh") + 8 + 32
    content[place : place + 4] = struct.pack("<I", 12)
    assert np.allclose(decode_video(bytes(content)).edges * 25, [0, 1, 2, 3, 4, 5, 12])
