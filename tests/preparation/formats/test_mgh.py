import gzip
from functools import partial

import nibabel as nib
import numpy as np
import pytest

from clinimcl.cohorts.orientation_codes import CODES
from clinimcl.preparation.formats.mgh import decode_mgh
from clinimcl.preparation.formats.reading import UnusableScan
from tests.preparation.volumes_of_tests import AFFINE, HEAD, difference, stored

compress = partial(gzip.compress, mtime=0)  # names of tests hold what it gives

PLAIN = nib.MGHImage(HEAD, AFFINE).to_bytes()
SILENT = PLAIN[:28] + b"\0\0" + PLAIN[30:]


def refusal(content):
    with pytest.raises(UnusableScan) as caught:
        decode_mgh(content)
    return str(caught.value)


@pytest.mark.parametrize("code", sorted(CODES)[::3])
def test_every_order_of_axes_gives_the_same_head(code):
    image = nib.MGHImage(np.asarray(stored(code).dataobj), stored(code).affine)
    assert difference(compress(image.to_bytes()), "x.mgz") < 1e-3


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32, np.float32])
def test_every_type_of_voxels_comes_in_the_machine_s_order(kind):
    voxels = (HEAD // 5).astype(kind)
    scan = decode_mgh(nib.MGHImage(voxels, AFFINE).to_bytes())
    assert scan.voxels.dtype == kind and np.array_equal(scan.voxels, voxels)


def test_what_freesurfer_writes_behind_the_voxels_is_left_out():
    assert difference(compress(PLAIN + b"x" * 5000), "x.mgz") < 1e-3


def test_a_header_that_is_not_good_needs_the_user_s_word_and_has_voxels_of_1_mm():
    assert "its goodRASFlag is 0): set cohort.orientation" in refusal(SILENT)
    assert decode_mgh(SILENT, "LIA").spacing == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("cut", [1, 9, 2000])
def test_a_cut_file_is_truncated(cut):
    assert "truncated" in refusal(compress(PLAIN)[:-cut])
    assert "truncated" in refusal(PLAIN[: -cut - 20])  # its footer is 20 bytes


def test_a_flipped_bit_is_damage():
    content = bytearray(compress(PLAIN))
    content[-7] ^= 1
    assert "damaged" in refusal(bytes(content))


def test_a_bomb_is_refused_at_its_announced_size():
    assert "more than the" in refusal(compress(PLAIN + bytes(20_000_000)))


def test_several_frames_are_no_volume():
    assert "4 axes" in refusal(nib.MGHImage(np.stack([HEAD, HEAD], axis=-1), AFFINE).to_bytes())


def test_another_file_is_none():
    assert refusal(b"subject,session\n" * 50) == "not a FreeSurfer volume (.mgz or .mgh)"
