import numpy as np
import pytest

from clinimcl.evaluation.drawing.mosaics import middle_slice, mosaic_figure, pairs_figure


def bright(x: int, y: int, z: int) -> np.ndarray:
    """A volume in RAS order with one bright voxel; the middle of every axis is 2."""
    volume = np.zeros((5, 5, 5), dtype=np.float32)
    volume[x, y, z] = 1
    return volume


def where(volume: np.ndarray, plane: str) -> tuple[int, int]:
    row, column = np.argwhere(middle_slice(volume, plane))[0]
    return int(row), int(column)


def test_nose_is_up_in_axial_slices():
    assert where(bright(2, 4, 2), "axial") == (0, 2)


@pytest.mark.parametrize("plane", ["coronal", "sagittal"])
def test_crown_is_up_in_the_other_planes(plane: str):
    assert where(bright(2, 2, 4), plane) == (0, 2)


@pytest.mark.parametrize("plane", ["axial", "coronal"])
def test_right_of_the_subject_is_at_the_left_of_the_picture(plane: str):
    assert where(bright(4, 2, 2), plane) == (2, 0)


def test_face_is_at_the_right_in_sagittal_slices():
    assert where(bright(2, 4, 2), "sagittal") == (2, 4)


def test_mosaic_shows_three_planes_of_each_scan():
    figure = mosaic_figure([bright(2, 2, 2)] * 3, ["one", "two", "three"])
    assert sum(bool(axes.images) for axes in figure.axes) == 9


def test_pair_shows_earlier_later_and_difference_in_two_planes():
    figure = pairs_figure([(bright(2, 2, 2), bright(2, 2, 3))], ["subject 1, 2.0 years"])
    titles = [axes.get_title() or axes.get_title("left") for axes in figure.axes]
    assert titles[1:] == ["later", "later − earlier", "earlier", "later", "later − earlier"]
