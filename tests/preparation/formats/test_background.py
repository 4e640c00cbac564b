from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from clinimcl.preparation.formats import background
from clinimcl.preparation.formats.nifti import read_nifti
from clinimcl.preparation.formats.reading import Scan, UnusableScan
from clinimcl.preparation.pipeline import PaperCrop
from tests.preparation.volumes_of_tests import PIPELINE, SIZES, head_affine, head_voxels

DARKEST_LOST = 0.98  # the darkest tissue is as black as a background that it is not told apart from
SHAPE = (36, 42, 30)
MM = tuple(side / 2 for side in SIZES)
HEAD = ndimage.zoom(head_voxels().astype(np.float32), 2, order=1)
PLACES = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * mm for n, mm in zip(SHAPE, MM, strict=True)], indexing="ij")
INSIDE = sum((place / radius) ** 2 for place, radius in zip(PLACES, (56, 63, 52), strict=True)) < 1
BRAIN = np.where(INSIDE, HEAD, 0)
STANDARD = (HEAD - HEAD[INSIDE].mean()) / HEAD[INSIDE].std()
BEYOND_CIRCLE = (PLACES[0] / 78) ** 2 + (PLACES[1] / 82) ** 2 > 1
CT = np.select([HEAD < 150, HEAD < 450, HEAD < 750], [-1000, 1000, 40], 30)
NOISY_CT = CT + np.random.default_rng(0).normal(0, 8, SHAPE)


def read(voxels):
    affine = np.diag([*MM, 1.0])
    affine[:3, 3] = head_affine()[:3, 3]
    return read_nifti(nib.Nifti1Image(voxels, affine).to_bytes())


def prepared(voxels):
    """As they are, whatever their background."""
    return PIPELINE.prepare(Scan(voxels, MM)).astype(float)


def likeness(scan, expected):
    return np.corrcoef(PIPELINE.prepare(scan).astype(float).ravel(), prepared(expected).ravel())[0, 1]


@pytest.mark.parametrize("value", [-1000, -1024, -2000, -3024, -9999, -32768])
@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_a_value_far_below_the_others_is_no_signal(value, kind):
    scan = read(np.where(BEYOND_CIRCLE, value, HEAD).astype(kind))
    assert scan.remark == background.MARKED and likeness(scan, HEAD) > 0.999
    assert likeness(read(np.where(INSIDE, HEAD, value).astype(kind)), BRAIN) > 0.999


@pytest.mark.parametrize("value", [-2000, -3024])
def test_padding_of_computed_tomography_is_air(value):
    scan = read(np.where(BEYOND_CIRCLE, value, NOISY_CT).astype(np.int16))
    assert likeness(scan, NOISY_CT.astype(np.int16)) > 0.99


@pytest.mark.parametrize("value", [-1000, -1024])
def test_around_a_brain_of_computed_tomography_without_skull_is_no_air(value):
    brain = np.where(INSIDE, 20 + HEAD / 30, 0)
    scan = read(np.where(INSIDE, brain, value).astype(np.float32))
    assert scan.remark == background.MARKED and likeness(scan, brain) > 0.999


def test_minus_one_beside_a_volume_from_0_to_1_is_no_signal():
    brain = BRAIN / BRAIN.max()
    scan = read(np.where(INSIDE, brain, -1).astype(np.float32))
    assert scan.remark == background.MARKED and likeness(scan, BRAIN) > 0.999


BETWEEN = {
    "standardised within the brain": np.where(INSIDE, STANDARD, 0).astype(np.float32),
    "in thousandths": np.where(INSIDE, STANDARD * 1000, 0).astype(np.int16),
    "in bytes": np.where(INSIDE, 128 + 25 * STANDARD, 128).astype(np.uint8),
    "white": np.where(INSIDE, HEAD, 32767).astype(np.int16),
}


@pytest.mark.parametrize("how", BETWEEN)
def test_a_background_amid_the_greys_of_the_head_becomes_black(how):
    scan = read(BETWEEN[how])
    cube = PIPELINE.prepare(scan)
    assert scan.remark == background.BETWEEN and likeness(scan, BRAIN) > DARKEST_LOST
    assert cube[0, 0, 0] == 0 and cube[-1, -1, -1] == 0


UNCHANGED = {
    "raw": HEAD.astype(np.int16),
    "without skull": BRAIN,
    "standardised as a whole": ((BRAIN - BRAIN.mean()) / BRAIN.std()).astype(np.float32),
    "standardised by the brain": ((BRAIN - HEAD[INSIDE].mean()) / HEAD[INSIDE].std()).astype(np.float32),
    "a head standardised as a whole": ((HEAD - HEAD.mean()) / HEAD.std()).astype(np.float32),
    "between -1 and 1": (BRAIN / BRAIN.max() * 2 - 1).astype(np.float32),
    "ringing": np.rint(ndimage.spline_filter(BRAIN) * 0.2 + BRAIN * 0.8).astype(np.int16),
    "computed tomography": NOISY_CT.astype(np.int16),
    "air of one value": CT.astype(np.int16),
    "clipped air": np.maximum(NOISY_CT, -1000).astype(np.int16),
}


@pytest.mark.parametrize("what", UNCHANGED)
def test_a_background_that_is_the_least_grey_stays(what):
    scan = read(UNCHANGED[what])
    assert scan.remark == "" and np.array_equal(scan.voxels, UNCHANGED[what])


@pytest.mark.parametrize("voxels", [BRAIN, STANDARD], ids=["raw", "standardised"])
def test_nan_around_the_head_is_no_signal(voxels):
    scan = read(np.where(INSIDE, voxels, np.nan).astype(np.float32))
    assert scan.remark == background.NAN and likeness(scan, BRAIN) > DARKEST_LOST


def test_nan_within_the_head_is_unusable():
    voxels = np.where(INSIDE, HEAD, np.nan).astype(np.float32)
    voxels[18, 21, 15] = np.nan
    with pytest.raises(UnusableScan, match="not finite numbers"):
        read(voxels)


@pytest.mark.parametrize(
    "pipeline",
    [replace(PIPELINE, align="rigid"), PaperCrop(grid=12, spacing=None, most=900.0, stored=16)],
    ids=["rigid", "paper"],
)
def test_every_preparation_takes_the_background_for_nothing(pipeline):
    cube = pipeline.prepare(read(np.where(INSIDE, HEAD, -2000).astype(np.int16))).astype(float)
    expected = pipeline.prepare(Scan(BRAIN.astype(np.int16), MM)).astype(float)
    assert np.corrcoef(cube.ravel(), expected.ravel())[0, 1] > 0.99
