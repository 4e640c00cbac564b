import gzip
from functools import partial

import nibabel as nib
import numpy as np
import pytest

from clinimcl.cohorts.orientation_codes import CODES
from clinimcl.preparation.formats.decoding import decode
from clinimcl.preparation.formats.nifti import read_nifti
from clinimcl.preparation.formats.reading import UnusableScan
from tests.preparation.volumes_of_tests import HEAD, IMAGE, SIZES, difference, difference_of_file, patched, stored

compress = partial(gzip.compress, mtime=0)  # names of tests hold what it gives

PLAIN = IMAGE.to_bytes()
PACKINGS = {"plain": lambda content: content, "gzip": gzip.compress}
STEP = 1e-3  # of float16 near 1
EMPTY = compress(b"")


def refusal(content):
    with pytest.raises(UnusableScan) as caught:
        read_nifti(content)
    return str(caught.value)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_order_of_axes_and_bytes_gives_the_same_head(code):
    image = stored(code)
    for kind, order in ((nib.Nifti1Image, "<"), (nib.Nifti1Image, ">"), (nib.Nifti2Image, ">")):
        header = kind.header_class(endianness=order)
        header.set_data_dtype(f"{order}i2")
        assert difference(kind(np.asarray(image.dataobj), image.affine, header).to_bytes()) < STEP


@pytest.mark.parametrize("code", sorted(CODES)[::7])
@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.Nifti2Pair])
def test_a_pair_is_the_same_head(tmp_path, code, kind):
    image = stored(code)
    nib.save(kind(np.asarray(image.dataobj), image.affine), tmp_path / "mpr-1.nifti.img")
    assert difference_of_file(tmp_path / "mpr-1.nifti.hdr") < STEP


PAIR_KINDS = {"NIfTI-1": nib.Nifti1Pair, "NIfTI-2": nib.Nifti2Pair, "Analyze": nib.Spm99AnalyzeImage}


def pair(kind, offset, before=b""):
    """A head's header, and its voxels behind some bytes."""
    header = PAIR_KINDS[kind].header_class()
    header.set_data_shape(HEAD.shape)
    header.set_data_dtype(np.int16)
    header.set_zooms(SIZES)
    if kind != "Analyze":
        header.set_sform(IMAGE.affine, 1)
    header["vox_offset"] = offset
    return [header.binaryblock, before + HEAD.tobytes(order="F")]


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("kind", PAIR_KINDS)
@pytest.mark.parametrize(("offset", "before"), [(352, b""), (544, b""), (1, b""), (352, b"\1" * 352), (16, b"\1" * 16)])
def test_voxels_of_a_pair_begin_where_its_header_says_or_with_the_file(kind, packing, offset, before):
    header, image = pair(kind, offset, before)
    assert difference([header, PACKINGS[packing](image)], "x.hdr", "RAS" if kind == "Analyze" else None) < STEP


@pytest.mark.parametrize("size", [HEAD.nbytes - 1, HEAD.nbytes + 1, HEAD.nbytes + 351])
def test_a_pair_of_neither_length_is_truncated(size):
    header, image = pair("NIfTI-1", 352, b"\1" * 352)
    with pytest.raises(UnusableScan, match=f"truncated: {size} bytes, expected {HEAD.nbytes + 352}"):
        decode("x.img", [header, image[:size]])


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("offset", [0, 1, 176, 347, 348, 350, 352])
def test_voxels_begin_behind_the_header_whatever_it_says(packing, offset):
    assert difference(PACKINGS[packing](patched(vox_offset=offset))) < STEP


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("offset", [0, 348])
def test_a_header_without_the_flag_of_extensions_is_read(packing, offset):
    content = patched(vox_offset=offset)
    assert difference(PACKINGS[packing](content[:348] + content[352:])) < STEP


@pytest.mark.parametrize("packing", PACKINGS)
def test_an_offset_of_0_is_behind_the_extensions(packing):
    image = nib.Nifti1Image(*IMAGE_PARTS)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 100))
    assert difference(PACKINGS[packing](patched(image, vox_offset=0))) < STEP
    assert "in the middle of its extensions" in refusal(PACKINGS[packing](patched(image, vox_offset=352)))


IMAGE_PARTS = (HEAD, IMAGE.affine)


@pytest.mark.parametrize("offset", [352.5, -1, np.nan, np.inf])
def test_an_offset_that_is_no_place_is_damage(offset):
    assert "its header says that its voxels begin at byte" in refusal(patched(vox_offset=offset))


def test_an_offset_far_beyond_the_file_is_absurd():
    assert "absurd size: its voxels begin at byte 1000000000" in refusal(compress(patched(vox_offset=1e9)))


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_length_that_does_not_tell_where_voxels_begin_is_damage(packing):
    assert "does not tell where they do" in refusal(PACKINGS[packing](patched(vox_offset=0) + b"x" * 60))


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("behind", [b"\n", bytes(16), b"x" * 300, bytes(100_000)])
def test_a_few_bytes_or_zeros_behind_the_last_voxel_are_left_out(packing, behind):
    assert difference(PACKINGS[packing](PLAIN + behind)) < STEP


@pytest.mark.parametrize("packing", PACKINGS)
def test_more_slices_than_the_header_has_are_a_fault(packing):
    content = patched(dim=[3, 18, 21, 13, 1, 1, 1, 1])
    assert "1512 more lie behind them" in refusal(PACKINGS[packing](content))


@pytest.mark.parametrize(
    "content",
    [EMPTY * 3 + compress(PLAIN) + EMPTY] + [compress(PLAIN[:100]) + compress(PLAIN[100:400]) + compress(PLAIN[400:])],
    ids=["empty", "short"],
)
def test_short_and_empty_gzip_members_are_read(content):
    assert difference(content, "x.nii.gz") < STEP


@pytest.mark.parametrize(
    ("dim", "fault"),
    [([4, 18, 21, 15, 0, 0, 0, 0], ""), ([7, 18, 21, 15, 1, 1, 1, 1], ""), ([3, 18, 21, 15, 9, 9, 9, 9], "")]
    + [([0, 18, 21, 15, 1, 1, 1, 1], "it has 0 axes"), ([3, 18, 21, -15, 1, 1, 1, 1], "expected a volume")],
)
def test_axes_are_as_the_first_of_them_counts(dim, fault):
    content = patched(dim=dim)
    assert fault in refusal(content) if fault else difference(content) < STEP


@pytest.mark.parametrize(
    ("datatype", "words"),
    [(128, "in colour (RGB)"), (2304, "in colour (RGBA)"), (32, "complex64"), (1, "binary"), (1536, "float128")]
    + [(9999, "a type that is unknown (datatype 9999)")],
)
def test_voxels_that_are_no_grey_levels_are_told(datatype, words):
    assert words in refusal(patched(datatype=datatype))


@pytest.mark.parametrize("slope", [0, np.nan, np.inf, 2])
def test_a_slope_that_scales_nothing_is_none(slope):
    assert difference(patched(scl_slope=slope, scl_inter=0)) < STEP


@pytest.mark.parametrize(("code", "words"), [(1002, "labels"), (3, "a statistic")])
def test_values_that_are_no_intensities_are_told(code, words):
    assert words in read_nifti(patched(intent_code=code)).remark
