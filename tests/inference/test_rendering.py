import base64
import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from clinimcl.inference import rendering
from clinimcl.preparation import alignment
from clinimcl.preparation.clips import Clips
from clinimcl.preparation.formats.reading import Scan
from clinimcl.preparation.formats.video.video import Clip
from clinimcl.preparation.pipeline import FieldOfView


def test_hiding_the_place_that_drives_the_answer_has_the_effect():
    scan = np.full((6, 6, 6), 0.1, np.float32)
    scan[0, 0, 0], scan[4, 4, 4] = 1, 0.9
    effect = rendering.occlusion(scan, scan, (3, 3, 3), lambda earlier, later: later[:, 0, 0, 0])
    assert np.unravel_index(effect.argmax(), effect.shape) == (0, 0, 0)
    assert abs(effect[4, 4, 4]) < 1e-6


def test_empty_places_are_not_asked_about():
    asked = []

    def support(earlier, later):
        asked.append(len(earlier))
        return later.sum(axis=(1, 2, 3))

    scan = np.zeros((4, 4, 4), np.float32)
    scan[0, 0, 0] = 1
    rendering.occlusion(scan, scan, (2, 2, 2), support)
    assert sum(asked) == 2  # the whole, and the one place with something in it


@pytest.fixture(scope="module")
def turned():
    """The template's brain with a nose, and the same one turned by 8 degrees and moved."""
    step = alignment.FIELD_OF_VIEW / alignment.GRID
    brain = alignment.template().astype(np.float32)
    brain[26:30, 52:56, 18:24] = 1.0  # in front of everything
    moved = ndimage.rotate(brain, 8, axes=(0, 1), reshape=False, order=1)
    moved = ndimage.shift(moved, (0, 1, 1), order=1)
    scans = tuple(Scan((900 * own).astype(np.int16), (step,) * 3) for own in (brain, moved))
    pipeline = FieldOfView(grid=48, field_of_view=224.0, percentile=99.5, align="none", spacing=None)
    return rendering.upright(pipeline, *scans)


def test_both_scans_are_laid_over_each_other(turned):
    inside = turned.earlier > 0.1
    assert np.corrcoef(turned.earlier[inside], turned.later[inside])[0, 1] > 0.95


def test_no_face_is_shown(turned):
    front = np.argwhere(turned.earlier > 0.05)[:, 1].max() * rendering.FIELD_OF_VIEW / rendering.SHOWN
    brain = np.argwhere(alignment.template() > 0.05)[:, 1].max() * alignment.FIELD_OF_VIEW / alignment.GRID
    assert front <= brain + alignment.BEYOND_BRAIN + 4


def pixels(address):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


def test_the_subject_s_right_is_at_the_left_and_the_front_at_the_top():
    volume = np.zeros((8, 8, 8), np.float32)
    volume[7, 7, :] = 1  # right, anterior
    shown = pixels(rendering.grey(volume, "axial", 1.0))
    assert shown[0, 0] == 255 and shown.sum() == 255


def test_red_is_above_zero_and_blue_below():
    values = np.zeros((4, 4, 4), np.float32)
    values[3, 3, 2], values[0, 0, 2] = 1, -1
    shown = pixels(rendering.over(np.zeros((4, 4, 4), np.float32), values, "axial", 1.0, 1.0)).astype(int)
    assert shown[0, 0, 0] > shown[0, 0, 2] and shown[3, 3, 2] > shown[3, 3, 0]
    assert shown[1, 1].sum() == 0


def test_a_clip_plays():
    frames = np.random.default_rng(0).integers(0, 255, (6, 64, 64), dtype=np.uint8)
    address = rendering.moving(Clips(frames=2, side=32, crop=False), Clip(frames))
    assert Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).n_frames == 6
