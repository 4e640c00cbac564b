import struct

import numpy as np
import pytest

from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.preparation.formats.video.frame_orientation import Orientation

FRAME = np.arange(6, dtype=np.uint8).reshape(2, 3)
ONE = 65536
SHOWN = {  # matrix (a, b, c, d) → number in Exif, and the frame as it is shown
    (1, 0, 0, 1): (1, FRAME),
    (-1, 0, 0, 1): (2, FRAME[:, ::-1]),
    (-1, 0, 0, -1): (3, FRAME[::-1, ::-1]),
    (1, 0, 0, -1): (4, FRAME[::-1]),
    (0, 1, 1, 0): (5, FRAME.T),
    (0, 1, -1, 0): (6, np.rot90(FRAME, -1)),
    (0, -1, -1, 0): (7, FRAME[::-1, ::-1].T),
    (0, -1, 1, 0): (8, np.rot90(FRAME)),
}


def matrix(a, b, c, d):
    return struct.pack("=9i", *(int(value * ONE) for value in (a, b, 0, c, d, 0, 0, 0)), 1 << 30)


@pytest.mark.parametrize("numbers", SHOWN)
def test_all_eight_turns_and_mirrors_are_undone(numbers):
    exif, shown = SHOWN[numbers]
    assert np.array_equal(Orientation.of_matrix(matrix(*numbers)).upright(FRAME), shown)
    assert np.array_equal(Orientation.of_exif(exif).upright(FRAME), shown)


def test_scales_of_a_matrix_are_left_aside():
    assert Orientation.of_matrix(matrix(0, 2, -0.5, 0)) == Orientation.of_exif(6)


@pytest.mark.parametrize("degrees", [2, 30, 45, -89 + 3])
def test_a_frame_at_an_angle_is_refused(degrees):
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    with pytest.raises(UnusableScan, match="is shown at an angle"):
        Orientation.of_matrix(matrix(cosine, sine, -sine, cosine))


def test_what_states_no_orientation_leaves_the_frame_as_it_is():
    assert Orientation.of_matrix(matrix(0, 0, 0, 0)) == Orientation.of_exif(0) == Orientation.of_exif(9)
