import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from clinimcl.preparation.formats.video.grey_levels import shown_grey

LIMITED, FULL = 1, 2
RAMP = np.linspace(0, 255, 64)


def frame(pixels, color_range=0, alpha=None):
    """A ramp from black to white in the first plane, as the range has it; no colour."""
    made = av.VideoFrame(64, 16, pixels)
    bits = made.format.components[0].bits
    levels = (16 + RAMP * 219 / 255) * 2 ** (bits - 8) if color_range == LIMITED else RAMP * (2**bits - 1) / 255
    for index, plane in enumerate(made.planes):
        values = levels if index == 0 else np.full(64, alpha if index == 3 else 2 ** (bits - 1))
        line = np.zeros(plane.line_size, np.uint8)
        packed = np.rint(values).astype("<u2" if bits > 8 else "u1").view(np.uint8)[: plane.line_size]
        line[: len(packed)] = packed
        plane.update(np.tile(line, (plane.height, 1)).tobytes())
    made.color_range = color_range
    return made


@pytest.mark.parametrize("color_range", [LIMITED, FULL])
@pytest.mark.parametrize("chroma", ["gray", "yuv420p", "yuv422p", "yuv444p"])
@pytest.mark.parametrize("bits", ["", "10le", "12le"])
def test_black_is_0_and_white_255_in_every_range(color_range, chroma, bits):
    assert np.abs(shown_grey(frame(chroma + bits, color_range), VideoReformatter()) - RAMP).max() < 1.6


@pytest.mark.parametrize("pixels", ["gray", "gray10le", "yuvj420p"])
def test_grey_without_a_range_is_of_the_full_one(pixels):
    assert np.abs(shown_grey(frame(pixels), VideoReformatter()) - RAMP).max() < 1


@pytest.mark.parametrize("alpha", [0, 51, 255])
def test_what_is_transparent_lies_on_black(alpha):
    assert np.abs(shown_grey(frame("yuva444p", FULL, alpha), VideoReformatter()) - RAMP * alpha / 255).max() < 1.6


@pytest.mark.parametrize("pixels", ["rgb24", "bgr24", "bgra", "gbrp"])
@pytest.mark.parametrize(("colour", "luma"), [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29)])
def test_colours_are_as_bright_as_their_luma(pixels, colour, luma):
    red = np.tile(np.uint8(colour), (16, 64, 1))
    shown = shown_grey(av.VideoFrame.from_ndarray(red, format="rgb24").reformat(format=pixels), VideoReformatter())
    assert np.abs(shown.astype(int) - luma).max() <= 1


def test_frames_that_share_a_converter_are_shown_as_if_each_had_its_own():
    converter = VideoReformatter()
    frames = [
        frame(pixels, of) for of in (LIMITED, FULL, 0) for pixels in ("yuv420p", "gray", "yuv444p10le", "yuv420p")
    ]
    for each in frames:
        assert np.array_equal(shown_grey(each, converter), shown_grey(each, VideoReformatter()))
