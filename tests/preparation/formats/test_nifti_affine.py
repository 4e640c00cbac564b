import nibabel as nib
import numpy as np
import pytest

from clinimcl.cohorts.orientation_codes import CODES
from clinimcl.preparation.formats import nifti_affine
from clinimcl.preparation.formats.nifti import read_nifti
from clinimcl.preparation.formats.orientation import UNTURNED
from clinimcl.preparation.formats.reading import UnusableScan
from tests.preparation.volumes_of_tests import AFFINE, HEAD, SIZES, difference, difference_of_file, patched, stored

QFORM = {"sform_code": 0, "qform_code": 1}
SILENT = {"sform_code": 0, "qform_code": 0}


def remark(content):
    return read_nifti(content).remark


def refusal(content):
    with pytest.raises(UnusableScan) as caught:
        read_nifti(content)
    return str(caught.value)


def test_a_header_without_an_orientation_code_is_refused_with_the_setting_that_tells_it():
    assert "set cohort.orientation" in refusal(patched(**SILENT))


@pytest.mark.parametrize("code", sorted(CODES))
def test_the_user_s_word_holds_where_the_header_does_not_say(code):
    image = stored(code)
    silent = nib.Nifti1Image(np.asarray(image.dataobj), np.diag([*image.header.get_zooms(), 1.0]))
    assert difference(silent.to_bytes(), orientation=code) < 1e-3  # from 0, 0, 0 along the axes of space
    assert difference(patched(silent, **SILENT), orientation=code) < 1e-3
    assert difference(image.to_bytes(), orientation="LAS") < 1e-3


def test_the_use_of_the_user_s_word_is_told():
    expected = "its header does not say how it lies: cohort.orientation=RAS is used"
    assert read_nifti(patched(**SILENT), "RAS").remark == expected
    assert read_nifti(patched(), "RAS").remark == ""


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (-1, 1, 1)])
def test_an_affine_that_a_tool_wrote_which_knew_none_is_used_and_told(signs):
    assert remark(nib.Nifti1Image(HEAD, np.diag([*np.multiply(signs, SIZES), 1.0])).to_bytes()) == UNTURNED


@pytest.mark.parametrize("code", sorted(CODES)[::5])
def test_a_qform_alone_is_followed(code):
    image = nib.Nifti1Image(np.asarray(stored(code).dataobj), stored(code).affine)
    image.set_sform(None, 0)
    image.set_qform(stored(code).affine, 1)
    assert difference(image.to_bytes()) < 1e-3


@pytest.mark.parametrize("qfac", [0, 0.5, 1])
def test_a_qfac_that_is_not_negative_is_1(qfac):
    assert difference(patched(**QFORM, pixdim=[qfac, *SIZES, 1, 1, 1, 1])) < 1e-3


def test_a_negative_qfac_turns_the_third_axis():
    assert nib.aff2axcodes(_affine(patched(**QFORM, pixdim=[-1, *SIZES, 1, 1, 1, 1]))) == ("R", "A", "I")


def _affine(content):
    return nifti_affine.placement_of(nib.Nifti1Header(content[:348], check=False)).affine


def test_a_quaternion_that_rounding_made_long_is_read_and_a_longer_one_refused():
    turned = _affine(patched(**QFORM, quatern_d=1.0002))
    assert np.allclose(turned[:3, :3], np.diag([-9, -8, 10]), atol=1e-6)
    assert "singular affine" in refusal(patched(**QFORM, quatern_d=1.2))


@pytest.mark.parametrize("row", [[np.nan] * 4, [0] * 4, [np.inf] * 4])
def test_an_sform_without_a_place_leaves_it_to_the_qform(row):
    content = patched(srow_x=row, qform_code=1)
    assert difference(content) < 1e-3 and remark(content) == nifti_affine.UNUSABLE_SFORM
    assert "singular affine" in refusal(patched(srow_x=row, qform_code=0))


def test_an_sform_that_nobody_wrote_leaves_it_to_a_qform_that_says_more():
    rows = {"srow_x": [1, 0, 0, 0], "srow_y": [0, 1, 0, 0], "srow_z": [0, 0, 1, 0]}
    content = patched(**rows, qform_code=1)
    assert difference(content) < 1e-3 and remark(content) == nifti_affine.UNTURNED_SFORM


def test_of_two_that_turn_it_differently_the_sform_is_followed_and_it_is_told():
    content = patched(srow_x=-AFFINE[0], qform_code=1)
    assert nib.aff2axcodes(_affine(content)) == ("L", "A", "S")
    assert remark(content) == nifti_affine.TWO_WAYS


def test_another_size_in_the_pixdim_is_told():
    assert remark(patched(pixdim=[1, 1, 1, 1, 1, 1, 1, 1])) == nifti_affine.TWO_SIZES


@pytest.mark.parametrize(("unit", "scale"), [(0, 1), (1, 1e-3), (2, 1), (3, 1e3), (10, 1), (7, 1)])
def test_lengths_in_other_units_become_millimetres(unit, scale):
    image = nib.Nifti1Image(HEAD, np.diag([scale] * 3 + [1]) @ AFFINE)
    assert difference(patched(image, xyzt_units=unit)) < 1e-3


@pytest.mark.parametrize(("unit", "name"), [(1, "metres"), (3, "micrometres")])
def test_units_that_no_head_has_are_named(unit, name):
    assert f"its header gives its lengths in {name}" in refusal(patched(xyzt_units=unit))


@pytest.mark.parametrize("kind", [nib.AnalyzeImage, nib.Spm99AnalyzeImage, nib.Spm2AnalyzeImage])
@pytest.mark.parametrize("order", ["<", ">"])
def test_analyze_needs_the_user_s_word(tmp_path, kind, order):
    header = kind.header_class(endianness=order)
    header.set_data_dtype(f"{order}i2")
    image = kind(np.asarray(stored("PSR").dataobj), None, header)
    image.header["pixdim"][1:4] = stored("PSR").header.get_zooms()
    nib.save(image, tmp_path / "x.img")
    assert difference_of_file(tmp_path / "x.img", "PSR") < 1e-3
    with pytest.raises(UnusableScan, match=r"Analyze headers cannot\): set cohort.orientation"):
        difference_of_file(tmp_path / "x.img")
