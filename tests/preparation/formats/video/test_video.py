import io
import re
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image, ImageOps

from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.formats.video import frame_geometry, video
from clinimcl.preparation.formats.video.video import decode_still, decode_video


def gradient(frames=6, side=32):
    """Brighter from left to right, and from frame to frame."""
    columns = np.linspace(20, 180, side)
    return np.stack([np.tile(columns + 10 * index, (side, 1)) for index in range(frames)]).astype(np.uint8)


def encoded(frames, container="mp4", codec="mpeg4", pixels="yuv420p", options=None):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=25, options=options or {})
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
        ("h264", "libx264", "yuv420p"),
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


@pytest.mark.parametrize("content", [b"no video at all" * 50, b"\0" * 99])
def test_what_is_no_video_is_said_not_to_decode(content):
    with pytest.raises(UnusableScan, match="the video does not decode"):
        decode_video(content)


@pytest.mark.parametrize("start", [b"", b"\n", b"\xef\xbb\xbf"])
def test_a_playlist_opens_no_other_file(start):
    with pytest.raises(UnusableScan, match=r"playlist|does not decode"):
        decode_video(start + b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n")


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
    with pytest.raises(UnusableScan, match="absurd size: 6 frames of 32 × 32 pixels, of which 5 are read at most: cut"):
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


def timed(times, container="mp4", codec="mpeg4", pixels="yuv420p", shift=0):
    """Each frame's grey is 20 and twice its time in 1/25 s; `shift`: frames before what an edit list shows."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=25, options={"g": "100"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, pixels
        packets = []
        for time in times:
            frame = av.VideoFrame.from_ndarray(np.full((32, 32), 20 + 2 * time, np.uint8), format="gray")
            frame.pts = time
            packets += stream.encode(frame.reformat(format=pixels))
        for packet in [*packets, *stream.encode()]:
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            output.mux(packet)
    return file.getvalue()


def turned(content, *numbers):
    """With these a, b, c, d in the matrix of the track's header."""
    place = content.index(b"tkhd") + 44
    a, b, c, d = (value * 65536 for value in numbers)
    return content[:place] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + content[place + 36 :]


def squeezed(aspect, container="mp4", codec="mpeg4", pixels="yuv420p"):
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, pixels
        stream.codec_context.sample_aspect_ratio = aspect
        output.mux(stream.encode(av.VideoFrame(48, 32, pixels)))
        output.mux(stream.encode())
    return file.getvalue()


def test_an_edit_list_hides_frames_and_truncates_nothing():
    frames = decode_video(timed(range(30), shift=20)).frames
    assert np.abs(frames[:, 16, 16].astype(int) - [20 + 2 * time for time in range(20, 30)]).max() < 4


@pytest.mark.parametrize(
    ("container", "codec", "pixels"), [("mp4", "libx264", "yuv420p"), ("avi", "mjpeg", "yuvj420p")]
)
def test_frames_are_shown_from_their_own_times(container, codec, pixels):
    times = [0, 1, 2, 10, 11, 20]
    clip = decode_video(timed(times, container, codec, pixels))
    assert len(clip.frames) == 6 and np.allclose(clip.edges * 25, [*times, 21])


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "libx264"), ("mov", "mpeg4"), ("avi", "mpeg4"), ("mpeg", "mpeg1video")]
)
def test_a_constant_rate_has_no_edges(container, codec):
    assert decode_video(timed(range(60), container, codec)).edges is None


def test_a_gif_is_shown_as_its_delays_say():
    stills = [Image.fromarray(frame) for frame in gradient(3)]
    file = io.BytesIO()
    stills[0].save(file, "GIF", save_all=True, append_images=stills[1:], duration=[500, 40, 1000])
    assert np.allclose(decode_video(file.getvalue()).edges, [0, 0.5, 0.54, 1.54])


def test_a_clip_is_turned_as_its_matrix_says_after_it_is_stretched():
    content = squeezed(Fraction(2))
    assert decode_video(turned(content, 0, 1, -1, 0)).frames.shape == (1, 96, 32)
    frames = decode_video(turned(encoded(gradient()), -1, 0, 0, 1)).frames
    assert np.abs(frames.astype(float) - gradient()[..., ::-1]).mean() < 4


H265 = {"x265-params": "log-level=none:bframes=0"}
SEI = {"h264": (5, b"\x06", 0b0100_1), "hevc": (20, b"\x4e\x01", 0b1_1000)}  # slices that begin; header; persistence


def bare(kind, frames, *turns):
    """H.264 or H.265 as a stream of bytes; each turn (flips, degrees) stands before a further one of equal pieces."""
    codec, options, slices = ("libx264", {}, 0x1F) if kind == "h264" else ("libx265", H265, 0x7E)
    begins, header, persists = SEI[kind]
    written = b""
    for piece, turn in zip(np.split(frames, len(turns)), turns, strict=True):
        for unit in re.split(rb"\0*\0\0\x01", encoded(piece, kind, codec, options=options))[1:]:
            number = (unit[0] & slices) >> (kind == "hevc")
            if turn is not None and number in (begins, 19, 20):
                flips, degrees = turn
                bits = flips << 21 | round(degrees * 2**16 / 360) << 5 | persists
                written += b"\0\0\0\x01" + header + b"\x2f\x03" + bits.to_bytes(3) + b"\x80"
            written += b"\0\0\0\x01" + unit
    return written


@pytest.mark.parametrize("kind", SEI)
def test_a_bare_stream_is_read_without_times(kind):
    clip = decode_video(bare(kind, gradient(), None))
    assert clip.edges is None
    assert np.abs(clip.frames.astype(float) - gradient()).mean() < 4


@pytest.mark.parametrize("kind", SEI)
def test_a_bare_stream_of_absurd_frames_is_refused_before_it_is_decoded(kind, monkeypatch):
    content = bare(kind, gradient(), None)
    monkeypatch.setattr(frame_geometry, "MOST_SIDE", 16)
    with pytest.raises(UnusableScan, match="absurd size: 1 frames of 32 × 32 pixels"):
        decode_video(content)


@pytest.mark.parametrize("kind", SEI)
@pytest.mark.parametrize("turn", [(0, 90), (0, 180), (0, 270), (0b10, 0), (0b01, 0), (0b10, 90), (0b01, 90)])
def test_a_turn_within_the_stream_is_that_of_the_frames_that_follow(kind, turn):
    flips, degrees = turn  # which comes after the flips
    flipped = gradient()[:, :: -1 if flips & 1 else 1, :: -1 if flips & 2 else 1]
    shown = np.rot90(flipped, degrees // 90, (1, 2))
    assert np.abs(decode_video(bare(kind, gradient(), turn)).frames.astype(float) - shown).mean() < 4


@pytest.mark.parametrize("kind", SEI)
@pytest.mark.parametrize("turns", [((0, 90), (0, 180)), (None, (0, 90)), ((0, 0), (0, 270))])
def test_a_stream_that_turns_its_frames_midway_is_refused(kind, turns):
    with pytest.raises(UnusableScan, match="changes how its frames are turned"):
        decode_video(bare(kind, gradient(), *turns))


def test_a_turn_that_is_not_stated_anew_is_used_with_a_word():
    clip = decode_video(bare("h264", gradient(), (0, 90), None))
    assert np.abs(clip.frames.astype(float) - np.rot90(gradient(), 1, (1, 2))).mean() < 4
    assert clip.remark == video.TURNED_AT_FIRST


def test_frames_of_jpeg_that_turn_midway_are_refused():
    pieces = []
    for orientation in (6, 1):
        still, tags = io.BytesIO(), Image.Exif()
        tags[0x112] = orientation
        Image.fromarray(gradient()[0][:24]).save(still, "JPEG", exif=tags)
        pieces.append(still.getvalue())
    with pytest.raises(UnusableScan, match="changes how its frames are turned"):
        decode_video(of_jpegs(pieces, "avi"))


@pytest.mark.parametrize(
    ("container", "codec", "pixels"),
    [("mp4", "libx264", "yuv420p"), ("mov", "mjpeg", "yuvj420p"), ("avi", "mjpeg", "yuvj420p")],
)
@pytest.mark.parametrize(("aspect", "shape"), [(Fraction(2), (32, 96)), (Fraction(1, 2), (64, 48))])
def test_pixels_come_out_square(container, codec, pixels, aspect, shape):
    assert decode_video(squeezed(aspect, container, codec, pixels)).frames.shape[1:] == shape


def test_a_dvd_is_as_wide_as_its_header_says():
    content = squeezed(Fraction(16, 9) / Fraction(48, 32), "mpeg", "mpeg2video")
    assert decode_video(content).frames.shape[1:] == (32, 57)


def test_pixels_that_no_scanner_has_are_refused():
    with pytest.raises(UnusableScan, match="pixels 20 times as wide as high"):
        decode_video(squeezed(Fraction(20), codec="libx264"))


def test_what_square_pixels_need_is_bounded_too():
    content = squeezed(Fraction(8), "avi", "mjpeg", "yuvj420p")
    with pytest.raises(UnusableScan, match="absurd size: 1 frames of 32 × 384 pixels"):
        decode_video(content, 32 * 384 - 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_still_is_turned_as_its_exif_data_says(kind, orientation):
    file, tags = io.BytesIO(), Image.Exif()
    tags[0x112] = orientation
    Image.fromarray(gradient()[0][:20]).save(file, kind, exif=tags)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file.getvalue()))))
    assert np.abs(decode_video(file.getvalue()).frames[0].astype(int) - expected).max() <= 2
    assert decode_still(file.getvalue(), 20, 32).shape == (20, 32)


def test_a_film_behind_a_jpeg_is_left_out():
    file = io.BytesIO()
    Image.fromarray(gradient()[0]).save(file, "JPEG")
    assert decode_video(file.getvalue() + encoded(gradient())).frames.shape == (1, 32, 32)


@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
def test_what_a_gif_leaves_transparent_is_black(disposal):
    shown = np.zeros((4, 32, 32), np.uint8)
    stills = []
    for index in range(4):
        shown[index, :, 8 * index : 8 * index + 8] = 255
        grey = Image.fromarray(np.full((32, 32), 100, np.uint8))
        stills.append(Image.merge("RGBA", [grey] * 3 + [Image.fromarray(shown[index])]))
    file = io.BytesIO()
    stills[0].save(file, "GIF", save_all=True, append_images=stills[1:], duration=40, disposal=disposal)
    lit = shown if disposal >= 2 else np.maximum.accumulate(shown)
    assert np.array_equal(decode_video(file.getvalue()).frames, np.where(lit, 100, 0))


def test_grey_of_h265_is_of_the_range_that_it_states():
    frame = av.VideoFrame.from_ndarray(np.tile(np.uint8([16, 235]).repeat(64), (128, 1)), format="gray")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        options = {"x265-params": "lossless=1:range=limited:log-level=none"}
        stream = output.add_stream("libx265", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 128, "gray"
        for frame.pts in range(3):
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    assert np.unique(decode_video(file.getvalue()).frames).tolist() == [0, 255]


def of_jpegs(stills, container):
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuvj420p"
        for time, still in enumerate(stills):
            packet = av.Packet(still)
            packet.pts, packet.dts, packet.time_base, packet.stream = time, time, Fraction(1, 25), stream
            output.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize("container", ["mov", "avi"])
@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6])
def test_frames_of_jpeg_are_turned_as_their_exif_data_say(container, orientation):
    still, tags = io.BytesIO(), Image.Exif()
    tags[0x112] = orientation
    Image.fromarray(gradient()[0][:24]).save(still, "JPEG", exif=tags)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(still.getvalue()))))
    clip = decode_video(of_jpegs([still.getvalue()] * 3, container))
    assert clip.remark == "" and np.abs(clip.frames[2].astype(int) - expected).max() <= 2
