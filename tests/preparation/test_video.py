import io

import av
import numpy as np
import pytest

from clinimcl.preparation import video
from clinimcl.preparation.reading import UnusableScan
from clinimcl.preparation.video import decode_video


def gradient(frames=6, side=32):
    """Brighter from left to right, and from frame to frame."""
    columns = np.linspace(20, 180, side)
    return np.stack([np.tile(columns + 10 * index, (side, 1)) for index in range(frames)]).astype(np.uint8)


def encoded(frames, container="mp4", codec="mpeg4", pixels="yuv420p"):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], pixels
        for frame in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray").reformat(format=pixels)))
        output.mux(stream.encode())
    return buffer.getvalue()


def still(frame, codec, pixels):
    return encoded(frame[None], "image2pipe", codec, pixels)


@pytest.mark.parametrize(
    ("container", "codec", "pixels"),
    [
        ("mp4", "mpeg4", "yuv420p"),
        ("mov", "mpeg4", "yuv420p"),
        ("avi", "mjpeg", "yuvj420p"),
        ("mpeg", "mpeg1video", "yuv420p"),
        ("gif", "gif", "rgb8"),
    ],
)
def test_every_format_gives_the_grey_levels_that_were_written(container, codec, pixels):
    frames = decode_video(encoded(gradient(), container, codec, pixels)).frames
    assert frames.shape == (6, 32, 32)
    assert np.abs(frames.astype(float) - gradient()).mean() < (20 if container == "gif" else 4)


@pytest.mark.parametrize(("codec", "pixels"), [("png", "gray"), ("png", "rgb24"), ("mjpeg", "yuvj420p")])
def test_a_still_is_one_frame(codec, pixels):
    frames = decode_video(still(gradient()[0], codec, pixels)).frames
    assert frames.shape == (1, 32, 32)
    assert np.abs(frames[0].astype(float) - gradient()[0]).mean() < 3


@pytest.mark.parametrize(
    "content", [b"no video at all" * 50, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", b"\0" * 99]
)
def test_what_is_no_video_is_said_not_to_decode(content):
    with pytest.raises(UnusableScan, match="the video does not decode"):
        decode_video(content)


def test_half_a_file_is_unusable():
    for content in (
        encoded(gradient()),
        still(gradient()[0], "png", "gray"),
        still(gradient()[0], "mjpeg", "yuvj420p"),
    ):
        with pytest.raises(UnusableScan):
            decode_video(content[: len(content) // 2])


def test_a_file_cut_between_frames_says_when_it_ends():
    pieces = encoded(gradient(20), "avi", "mjpeg", "yuvj420p").split(b"00dc")
    with pytest.raises(UnusableScan, match=r"truncated: its frames end after 0.4[48] of 0.8 seconds"):
        decode_video(b"00dc".join(pieces[:13]))


def test_sound_alone_holds_no_video():
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mov") as output:
        stream = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        sound.sample_rate = 8000
        output.mux(stream.encode(sound))
        output.mux(stream.encode())
    with pytest.raises(UnusableScan, match="holds no video"):
        decode_video(buffer.getvalue())


def test_an_absurd_size_is_refused_by_the_header(monkeypatch):
    content = encoded(gradient())
    monkeypatch.setattr(video, "MOST_PIXELS", 32 * 32 * 5)
    with pytest.raises(UnusableScan, match="absurd size: 6 frames of 32 × 32 pixels"):
        decode_video(content)


def test_an_absurd_length_is_refused_while_decoding(monkeypatch):
    content = encoded(gradient(), "mpeg", "mpeg1video")  # its header does not count frames
    monkeypatch.setattr(video, "MOST_PIXELS", 32 * 32 * 3)
    with pytest.raises(UnusableScan, match="absurd size: 4 frames"):
        decode_video(content)


@pytest.mark.parametrize("container", ["mp4", "gif", "avi"])
def test_flipped_bytes_end_in_a_clip_or_a_reason(container):
    codec, pixels = {"mp4": ("mpeg4", "yuv420p"), "gif": ("gif", "rgb8"), "avi": ("mjpeg", "yuvj420p")}[container]
    content = encoded(gradient(), container, codec, pixels)
    random = np.random.default_rng(0)
    ends = set()
    for _ in range(60):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 3):
            damaged[place] ^= int(random.integers(1, 256))
        try:
            ends.add(decode_video(bytes(damaged)).frames.ndim)
        except UnusableScan as unusable:
            ends.add(str(unusable).split(":")[0].split("(")[0])
    assert len(ends) > 1
