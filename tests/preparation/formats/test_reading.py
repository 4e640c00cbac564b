import gzip
import io
import pickle
import tracemalloc

import nibabel as nib
import numpy as np
import pytest
import torch

from clinimcl.preparation.formats.nifti import decode_nifti, read_nifti
from clinimcl.preparation.formats.reading import UnusableScan, decode_tensor

VOXELS = np.random.default_rng(0).integers(0, 4000, (8, 9, 10)).astype(np.int16)


def nifti(voxels=VOXELS, affine=None, compressed=True):
    image = nib.Nifti1Image(voxels, np.eye(4) if affine is None else affine)
    content = image.to_bytes()
    return gzip.compress(content, mtime=0) if compressed else content


def reason(content):
    with pytest.raises(UnusableScan) as caught:
        read_nifti(content)
    return str(caught.value)


def test_voxels_and_spacing_come_back():
    scan = read_nifti(nifti(affine=np.diag([1, 2, 3, 1])))
    assert np.array_equal(scan.voxels, VOXELS)
    assert scan.spacing == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("axes", ["LPS", "PIR", "SAL"])
def test_axes_are_turned_to_ras(axes):
    image = nib.Nifti1Image(VOXELS, np.diag([1, 2, 3, 1]))
    turned = image.as_reoriented(
        nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(axes))
    )
    scan = read_nifti(turned.to_bytes())
    assert np.array_equal(scan.voxels, VOXELS)
    assert scan.spacing == (1.0, 2.0, 3.0)


def test_no_single_flipped_bit_changes_a_loaded_voxel():
    content, generator = nifti(), np.random.default_rng(1)
    changed = 0
    for _ in range(200):
        flipped = bytearray(content)
        flipped[generator.integers(10, len(content))] ^= 1 << generator.integers(8)
        try:
            changed += not np.array_equal(read_nifti(bytes(flipped)).voxels, VOXELS)
        except UnusableScan:
            continue
    assert changed == 0


def test_several_gzip_members_are_one_file():
    content = nifti(compressed=False)
    split = gzip.compress(content[:700]) + gzip.compress(content[700:])
    assert np.array_equal(read_nifti(split).voxels, VOXELS)


def test_blocks_of_a_gzip_file_are_one_file_however_many():
    content = np.random.default_rng(0).bytes(60_000)
    header = nifti(np.frombuffer(content, np.uint8).reshape(30, 40, 50), compressed=False)
    blocks = [gzip.compress(header[:352])]
    blocks += [gzip.compress(header[start : start + 13], 0) for start in range(352, len(header), 13)]
    assert read_nifti(b"".join(blocks)).voxels.tobytes() == content


def test_a_gzip_file_of_absurdly_many_members_is_damaged():
    assert "has more than 100000 members" in reason(nifti() + gzip.compress(b"") * 100_000)


def test_zeros_behind_the_last_member_are_left_out():
    assert np.array_equal(read_nifti(nifti() + bytes(512)).voxels, VOXELS)


@pytest.mark.parametrize("behind", [b"x", bytes(8) + b"x", bytes(8) + gzip.compress(b"", mtime=0), nifti()[3:]])
def test_anything_else_behind_the_last_member_is_damage(behind):
    assert "damaged: the gzip stream fails its check" in reason(nifti() + behind)


def test_a_gzip_flag_without_a_meaning_is_damage():
    content = bytearray(nifti())
    content[3] |= 0x20
    assert "damaged: the gzip stream fails its check" in reason(bytes(content))


def test_a_gzip_file_cut_within_its_last_bytes_is_truncated():
    assert {reason(nifti()[:-cut]) for cut in range(1, 9)} == {"truncated: the gzip stream ends early"}


def test_voxels_stay_where_they_are_in_the_file():
    content = nifti(affine=np.diag([-1, 2, 3, 1]), compressed=False)
    assert np.shares_memory(read_nifti(content).voxels, np.frombuffer(content, np.uint8))


def test_big_endian_voxels_come_in_the_machine_s_order():
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    scan = read_nifti(nib.Nifti1Image(VOXELS.astype(">i2"), np.eye(4), header).to_bytes())
    assert scan.voxels.dtype == np.int16 and np.array_equal(scan.voxels, VOXELS)


def test_the_header_s_slope_and_intercept_are_applied():
    content = bytearray(nifti(compressed=False))
    content[112:120] = np.array([0.5, -3], "<f4").tobytes()
    assert np.array_equal(read_nifti(bytes(content)).voxels, VOXELS * 0.5 - 3)


def test_an_infinite_intercept_is_unusable():
    content = bytearray(nifti(compressed=False))
    content[112:120] = np.array([0.5, np.inf], "<f4").tobytes()
    assert "its header scales no voxel" in reason(bytes(content))


@pytest.mark.parametrize("compressed", [True, False])
def test_a_truncated_file_is_unusable(compressed):
    content = nifti(compressed=compressed)
    assert "truncated" in reason(content[: len(content) // 2])


def test_a_decompression_bomb_is_refused_at_its_announced_size():
    content = gzip.compress(nifti(compressed=False) + bytes(50_000_000))
    tracemalloc.start()
    assert "more than the 1792 bytes that its header announces" in reason(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_four_axes_are_unusable():
    assert "4 axes (8, 9, 10, 2)" in reason(nifti(np.stack([VOXELS, VOXELS], axis=-1)))


def test_a_fourth_axis_of_one_is_left_out():
    assert np.array_equal(read_nifti(nifti(VOXELS[..., None])).voxels, VOXELS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_unusable(value):
    voxels = VOXELS.astype(np.float32)
    voxels[3, 3, 3] = value
    assert "not finite" in reason(nifti(voxels))


def test_a_constant_volume_is_unusable():
    assert "constant" in reason(nifti(np.ones_like(VOXELS)))


def test_a_singular_affine_is_unusable():
    assert "singular affine" in reason(nifti(affine=np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])))


def test_an_absurd_extent_is_unusable():
    assert "absurd size" in reason(nifti(affine=np.diag([500, 1, 1, 1])))


def test_an_absurd_shape_is_refused_by_the_header_alone():
    header = nib.Nifti1Header()
    header.set_data_shape((30000, 30000, 30000))
    assert "absurd size" in reason(gzip.compress(header.binaryblock + bytes(4)))


def test_a_text_file_is_not_a_nifti_file():
    assert reason(b"subject,session\n" * 50) == "not a NIfTI file"


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def test_a_plain_tensor_is_read():
    tensor = torch.rand(1, 4, 5, 6)
    assert np.array_equal(decode_tensor(saved(tensor)), tensor[0].numpy())


def test_a_flipped_bit_in_a_tensor_file_changes_no_loaded_voxel():
    tensor, generator, changed = torch.rand(6, 6, 6), np.random.default_rng(0), 0
    content = saved(tensor)
    for _ in range(100):
        flipped = bytearray(content)
        flipped[generator.integers(len(content))] ^= 1 << generator.integers(8)
        try:
            changed += not np.array_equal(decode_tensor(bytes(flipped)), tensor.numpy())
        except UnusableScan:
            continue
    assert changed == 0


@pytest.mark.parametrize("tensor", [torch.rand(4, 4, 4).to_sparse(), torch.rand(4, 4, 4) + 1j, torch.rand(0, 4, 4)])
def test_tensors_of_other_kinds_are_unusable(tensor):
    with pytest.raises(UnusableScan):
        decode_tensor(saved(tensor))


class Harmful:
    def __reduce__(self):
        return (print, ("harm",))


def test_a_tensor_file_that_could_run_code_is_refused_without_running_it(capsys):
    with pytest.raises(UnusableScan, match="more than plain tensors"):
        decode_tensor(saved({"volume": torch.rand(4, 4, 4), "meta": Harmful()}))
    assert capsys.readouterr().out == ""


def test_a_bare_pickle_is_refused_without_running_it(capsys):
    with pytest.raises(UnusableScan):
        decode_tensor(pickle.dumps(Harmful(), protocol=2))
    assert capsys.readouterr().out == ""


def test_who_decodes_by_himself_is_warned_of_an_assumption():
    content = nib.Nifti1Image(np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4), np.eye(4)).to_bytes()
    with pytest.warns(UserWarning, match="turns no axis"):
        decode_nifti(content)
