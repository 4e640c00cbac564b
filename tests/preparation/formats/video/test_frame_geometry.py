import numpy as np
import pytest

from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.formats.video.frame_geometry import square_pixels

RAMP = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (2, 12, 1))  # 2 frames of 12 × 24, brighter to the right


def test_wide_pixels_get_more_columns():
    squared = square_pixels(RAMP, 2.0)
    assert squared.shape == (2, 12, 48)
    assert np.abs(squared[:, :, 1:-1] - (np.arange(1, 47) * 5 - 2.5)).max() <= 1


def test_high_pixels_get_more_rows():
    squared = square_pixels(RAMP, 0.5)
    assert squared.shape == (2, 24, 24)
    assert np.array_equal(squared[1, ::2], RAMP[1])


def test_a_circle_that_was_squeezed_is_round_again():
    y, x = np.mgrid[:60, :40]
    squeezed = np.where(((x - 19.5) * 1.5) ** 2 + (y - 29.5) ** 2 < 20**2, 255, 0).astype(np.uint8)
    inside = square_pixels(squeezed[None], 1.5)[0] > 127
    assert abs(int(inside.any(0).sum()) - int(inside.any(1).sum())) <= 1


@pytest.mark.parametrize("aspect", [1.0, 1.005, 0.995])
def test_square_pixels_are_left_as_they_are(aspect):
    assert square_pixels(RAMP, aspect) is RAMP


@pytest.mark.parametrize("aspect", [0.0, 9.0, -1.0, float("nan"), float("inf")])
def test_pixels_that_no_scanner_has_are_refused(aspect):
    with pytest.raises(UnusableScan, match="times as wide as high"):
        square_pixels(RAMP, aspect)


def test_frames_that_would_be_too_large_are_refused_before_memory_is_asked_for():
    with pytest.raises(UnusableScan, match="absurd size: 2 frames of 12 × 48 square pixels"):
        square_pixels(RAMP, 2.0, most_pixels=2 * 12 * 48 - 1)
