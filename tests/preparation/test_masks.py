import nibabel as nib
import numpy as np
import pytest

from clinimcl.preparation.formats.decoding import decode
from clinimcl.preparation.formats.mgh import decode_mgh
from clinimcl.preparation.formats.nifti import read_nifti
from clinimcl.preparation.formats.reading import Scan, UnusableScan
from clinimcl.preparation.masks import inside
from tests.preparation.volumes_of_tests import AFFINE, HEAD, IMAGE, stored

SCAN = read_nifti(IMAGE.to_bytes())
MASK = (HEAD > 450).astype(np.uint8)
LEAST = min(0, int(HEAD.min()))
EXPECTED = np.where(MASK, HEAD, LEAST)


def read(voxels, affine=AFFINE):
    return read_nifti(nib.Nifti1Image(voxels, affine).to_bytes())


@pytest.mark.parametrize("code", ["LPS", "PIR", "SAL"])
def test_a_mask_that_is_stored_otherwise_lies_the_same(code):
    image = stored(code)
    mask = read((np.asarray(image.dataobj) > 450).astype(np.uint8), image.affine)
    assert np.array_equal(inside(mask, SCAN).voxels, EXPECTED)


@pytest.mark.parametrize(
    "values", [255 * MASK, MASK * np.float32(0.9), MASK * HEAD], ids=["255", "probability", "labels"]
)
def test_what_is_above_a_half_is_inside(values):
    assert np.array_equal(inside(read(values), SCAN).voxels, EXPECTED)


def test_a_finer_mask_is_brought_onto_the_scan():
    finer = np.repeat(np.repeat(np.repeat(MASK, 2, 0), 2, 1), 2, 2)
    affine = AFFINE @ np.diag([0.5, 0.5, 0.5, 1])
    affine[:3, 3] = AFFINE[:3, 3] - np.diag(AFFINE)[:3] / 4
    kept = inside(read(finer, affine), SCAN).voxels
    assert np.array_equal(kept, EXPECTED)


def test_a_mask_of_a_part_of_the_scan_is_laid_where_it_belongs():
    affine = AFFINE.copy()
    affine[:3, 3] += 3 * np.diag(AFFINE)[:3]
    kept = inside(read(MASK[3:-3, 3:-3, 3:-3], affine), SCAN).voxels
    part = np.zeros_like(MASK)
    part[3:-3, 3:-3, 3:-3] = MASK[3:-3, 3:-3, 3:-3]
    assert np.array_equal(kept, np.where(part, HEAD, LEAST))


def test_a_mask_of_another_format_is_laid_upon_it():
    mask = decode_mgh(nib.MGHImage(MASK, AFFINE).to_bytes())
    assert np.array_equal(inside(mask, SCAN).voxels, EXPECTED)


def test_a_mask_beside_the_scan_is_refused():
    affine = AFFINE.copy()
    affine[0, 3] += 1000
    with pytest.raises(UnusableScan, match="its mask lies beside it"):
        inside(read(MASK, affine), SCAN)


def test_a_mask_that_does_not_say_where_it_lies_is_refused():
    with pytest.raises(UnusableScan, match="the header of the mask does not say where it lies"):
        inside(read(MASK, np.diag([9, 8, 10, 1])), SCAN)


def test_outside_is_no_brighter_than_the_darkest_inside():
    scan = Scan(np.array([[[-5.0, 1.0], [2.0, 3.0]]]), (1.0, 1.0, 1.0))
    mask = Scan(np.array([[[1, 1], [1, 0]]]), (1.0, 1.0, 1.0))
    assert inside(mask, scan).voxels[0, 1, 1] == -5


HOLE = np.ones(HEAD.shape, np.int16)
HOLE[4:-4, 4:-4, 4:-4] = 0
MASKS = {
    "a hole": HOLE,
    "a hole, as a float": HOLE.astype(np.float32),
    "a label for what is outside": np.where(HOLE, HOLE, np.int16(-1000)),
    "NaN outside": np.where(HOLE, np.float32(1), np.float32(np.nan)),
    "NaN outside and 0 within": np.where(HOLE, np.float32(1), np.float32([0, np.nan])[np.indices(HEAD.shape)[0] % 2]),
}


@pytest.mark.parametrize("voxels", MASKS.values(), ids=MASKS.keys())
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.MGHImage])
def test_a_number_of_a_mask_is_no_grey_level(voxels, kind):
    name = "mask.mgz" if kind is nib.MGHImage else "mask.nii"
    mask = decode(name, [kind(voxels, AFFINE).to_bytes()], grey=False)
    assert np.array_equal(inside(mask, SCAN).voxels, np.where(HOLE > 0, HEAD, LEAST)) and not mask.remark
