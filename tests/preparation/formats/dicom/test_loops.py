import numpy as np
import pytest
from pydicom.dataset import Dataset

from clinimcl.preparation.formats.dicom.dicom import decode_cine
from clinimcl.preparation.formats.dicom.header import read_header
from clinimcl.preparation.formats.dicom.loops import UNTIMED, pixel_aspect
from tests.preparation.formats.dicom.test_dicom import LOOP, written


def edges(**tags):
    return decode_cine(written(LOOP, **tags)).edges


@pytest.mark.parametrize(
    "tags",
    [
        {"FrameTime": 40},
        {"CineRate": 25},
        {"RecommendedDisplayFrameRate": 25},
        {"FrameTimeVector": [0, 40, 40]},
        {"FrameTime": 40, "CineRate": 3},
        {"FrameTime": 40, "FrameTimeVector": [0, 1, 9], "FrameIncrementPointer": 0x00181063},
    ],
)
def test_frames_are_shown_as_long_as_the_header_says(tags):
    assert np.allclose(edges(**tags), [0, 0.04, 0.08, 0.12])


def test_frames_of_a_vector_have_each_their_time():
    tags = {"FrameTimeVector": [0, 40, 120], "FrameTime": 40, "FrameIncrementPointer": 0x00181065}
    assert np.allclose(edges(**tags), [0, 0.04, 0.16, 0.24])


@pytest.mark.parametrize("tags", [{}, {"FrameTime": 0}, {"FrameTime": ""}, {"CineRate": 0}])
def test_frames_without_times_are_evenly_spaced(tags):
    assert edges(**tags) is None


@pytest.mark.parametrize("vector", [[0, 40], [0, -5, 9], [0, 0, 0]])
def test_times_that_are_none_are_remarked_on(vector):
    clip = decode_cine(written(LOOP, FrameTimeVector=vector))
    assert clip.edges is None
    assert clip.remark == UNTIMED


def region(delta_x, delta_y, space=1, units=3, width=100):
    item = Dataset()
    item.RegionSpatialFormat, item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = space, units, units
    item.PhysicalDeltaX, item.PhysicalDeltaY = delta_x, delta_y
    item.RegionLocationMinX0, item.RegionLocationMinY0 = 0, 0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = width, width
    return item


@pytest.mark.parametrize(
    ("tags", "aspect"),
    [
        ({}, 1),
        ({"PixelAspectRatio": ["1", "2"]}, 2),
        ({"PixelAspectRatio": ["4", "3"]}, 0.75),
        ({"PixelAspectRatio": ["0", "0"]}, 1),
        ({"PixelSpacing": [0.2, 0.4]}, 2),
        ({"ImagerPixelSpacing": [0.4, 0.2]}, 0.5),
        ({"NominalScannedPixelSpacing": [0.1, 0.3]}, 3),
        ({"PixelSpacing": [0, 0], "PixelAspectRatio": ["1", "2"]}, 2),
        ({"SequenceOfUltrasoundRegions": [region(0.02, 0.01)]}, 2),
        ({"SequenceOfUltrasoundRegions": [region(-0.02, 0.01)]}, 2),
        ({"SequenceOfUltrasoundRegions": [region(0.01, 0.05, space=3), region(0.02, 0.01)]}, 2),
        ({"SequenceOfUltrasoundRegions": [region(0.01, 0.05, units=4)]}, 1),
        ({"SequenceOfUltrasoundRegions": [region(0.01, 0.05, width=9), region(0.02, 0.01)]}, 2),
        ({"SequenceOfUltrasoundRegions": [region(0.02, 0.01)], "PixelAspectRatio": ["1", "1"]}, 2),
    ],
)
def test_the_width_of_a_pixel_is_that_of_the_header(tags, aspect):
    assert pixel_aspect(read_header(written(LOOP, **tags))) == pytest.approx(aspect)


def test_frames_come_out_with_square_pixels():
    height, width = LOOP.shape[1:]
    assert decode_cine(written(LOOP, PixelAspectRatio=["1", "2"])).frames.shape == (3, height, 2 * width)
    assert decode_cine(written(LOOP, PixelSpacing=[0.4, 0.2])).frames.shape == (3, 2 * height, width)
