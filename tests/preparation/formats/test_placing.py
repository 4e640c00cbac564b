import math

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from clinimcl.preparation.formats.decoding import decode
from clinimcl.preparation.formats.nifti import read_nifti
from clinimcl.preparation.formats.placing import lean
from clinimcl.preparation.formats.reading import UnusableScan
from tests.preparation.volumes_of_tests import AFFINE, HEAD, PIPELINE, PREPARED, difference


def leaning(degrees, along=1, across=2):
    """The head as a scanner stores it whose slices are shifted against each other."""
    affine = AFFINE.copy()
    affine[along, across] = AFFINE[across, across] * math.tan(math.radians(degrees))
    affine[along, 3] -= affine[along, across] * (HEAD.shape[across] - 1) / 2
    to_head = np.linalg.inv(AFFINE) @ affine
    voxels = ndimage.affine_transform(HEAD.astype(np.float32), to_head[:3, :3], to_head[:3, 3], order=1)
    return nib.Nifti1Image(voxels, affine)


@pytest.mark.parametrize("axes", [(1, 2), (0, 2)])
@pytest.mark.parametrize("degrees", [-10, 5, 20])
def test_slices_that_are_shifted_against_each_other_are_shifted_back(axes, degrees):
    image = leaning(degrees, *axes)
    scan = read_nifti(image.to_bytes())
    cube = PIPELINE.prepare(scan).astype(float)
    assert np.allclose(scan.spacing, (9, 8, 10), atol=1e-5) and "resampled to right angles" in scan.remark
    assert np.corrcoef(cube.ravel(), PREPARED.ravel())[0, 1] > 0.985


def test_a_straightened_scan_keeps_its_place():
    scan = read_nifti(leaning(20).to_bytes())
    index = np.array(ndimage.center_of_mass(np.maximum(scan.voxels - 800, 0)))
    before = np.array(ndimage.center_of_mass(np.maximum(HEAD.astype(float) - 800, 0)))
    place, expected = (nib.affines.apply_affine(*pair) for pair in ((scan.affine, index), (AFFINE, before)))
    assert np.abs(place - expected).max() < 3


def test_a_lean_below_one_degree_is_rounding():
    assert read_nifti(leaning(0.9).to_bytes()).remark == ""


def test_a_lean_beyond_any_scanner_s_is_refused_with_its_angle():
    with pytest.raises(UnusableScan, match="is sheared: its axes lean by 50 degrees"):
        read_nifti(leaning(50).to_bytes())


def test_turned_axes_do_not_lean():
    turn = nib.eulerangles.euler2mat(0.3, -0.2, 0.4)
    assert lean(nib.affines.from_matvec(turn * [1, 2, 3])) == pytest.approx(0, abs=1e-6)


def test_an_affine_leads_from_the_turned_voxels_to_their_place():
    backward = AFFINE * np.array([[-1], [1], [1], [1]])  # centred on 0, 0, 0
    image = nib.Nifti1Image(HEAD[::-1], backward)
    scan = read_nifti(image.to_bytes())
    assert np.allclose(scan.affine, AFFINE) and difference(image.to_bytes()) < 1e-3


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mgz", ".nrrd", ".mha"])
def test_a_leaning_scan_is_not_straightened_beyond_the_bound(tmp_path, ending):
    image = leaning(40)
    small = np.clip(image.get_fdata() / 5, 0, 255).astype(np.uint8)
    path = tmp_path / f"x{ending}"
    if ending in (".nrrd", ".mha"):
        _write_leaning(small, image.affine, path)
    else:
        (nib.MGHImage if ending == ".mgz" else nib.Nifti1Image)(small, image.affine).to_filename(path)
    content = [path.read_bytes()]
    assert decode(path.name, content).voxels.nbytes > 2**15
    with pytest.raises(UnusableScan, match="absurd size: 0 MiB"):
        decode(path.name, content, most_bytes=2**15)


def _write_leaning(voxels, affine, path):
    """By hand: ITK writes no axes that lean."""
    across = np.diag([-1, -1, 1]) @ affine[:3]
    columns = across[:, :3].T
    if path.suffix == ".nrrd":
        vectors = " ".join("({},{},{})".format(*column) for column in columns)
        head = f"NRRD0004\ntype: uchar\ndimension: 3\nspace: LPS\nsizes: {_words(voxels.shape)}\n"
        head += f"space directions: {vectors}\nencoding: raw\n\n"
    else:
        sizes = nib.affines.voxel_sizes(affine)
        matrix = (columns / sizes[:, None]).ravel()
        head = f"ObjectType = Image\nNDims = 3\nBinaryData = True\nTransformMatrix = {_words(matrix)}\n"
        head += f"ElementSpacing = {_words(sizes)}\nDimSize = {_words(voxels.shape)}\n"
        head += "ElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
    path.write_bytes(head.encode() + voxels.tobytes(order="F"))


def _words(numbers):
    return " ".join(map(str, numbers))
