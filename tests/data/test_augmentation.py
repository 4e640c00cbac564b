from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from clinimcl.data.augmentation import Augmentation, _grid

NOTHING = Augmentation(rotation=0.0, shift=0.0, scale=0.0, bias=0.0, contrast=0.0, noise=0.0, same_pose_in_pair=False)
EVERYTHING = Augmentation(
    rotation=10.0, shift=0.1, scale=0.05, bias=0.2, contrast=0.2, noise=0.05, same_pose_in_pair=False
)


def volumes(batch=4):
    volume = torch.zeros(batch, 1, 16, 16, 16)
    volume[:, :, 5:11, 4:12, 6:10] = torch.rand(6, 8, 4, generator=torch.Generator().manual_seed(0))
    return volume


def augmented(augmentation, volume, seed=0):
    return augmentation.apply(volume, augmentation.draw(volume, torch.Generator().manual_seed(seed)))


def test_nothing_drawn_changes_nothing():
    torch.testing.assert_close(augmented(NOTHING, volumes()), volumes(), rtol=0, atol=1e-5)


def test_the_same_generator_gives_the_same_scans():
    assert torch.equal(augmented(EVERYTHING, volumes()), augmented(EVERYTHING, volumes()))


def test_every_scan_is_changed_in_its_own_way():
    changed = augmented(EVERYTHING, volumes())
    assert len({round(scan.sum().item(), 3) for scan in changed}) == 4


@pytest.mark.parametrize("kind", ["rotation", "shift", "scale", "bias", "contrast", "noise"])
def test_each_kind_changes_the_scan(kind):
    one = replace(NOTHING, **{kind: getattr(EVERYTHING, kind)})
    assert (augmented(one, volumes()) - volumes()).abs().max() > 1e-3


def test_a_pair_moves_alike_when_asked():
    moving = replace(NOTHING, rotation=10.0, shift=0.1, same_pose_in_pair=True)
    changed = augmented(moving, volumes())
    assert torch.equal(changed[:2], changed[2:])
    assert not torch.equal(changed[0], changed[1])


def test_scans_of_a_pair_move_apart_otherwise():
    changed = augmented(replace(NOTHING, rotation=10.0), volumes())
    assert not torch.equal(changed[:2], changed[2:])


def test_a_shift_is_a_share_of_the_field_of_view():
    draw = replace(NOTHING, shift=0.25).draw(volumes(), torch.Generator().manual_seed(0))
    pose = torch.zeros_like(draw.pose)
    pose[:, :, :3] = torch.eye(3)
    pose[:, 2, 3] = 2 * 0.25  # the grid's last coordinate is the array's first axis
    moved = Augmentation.apply(volumes(), draw._replace(pose=pose))
    torch.testing.assert_close(moved[:, :, 1:7], volumes()[:, :, 5:11], rtol=0, atol=1e-5)


def test_the_grid_is_torch_s_affine_grid():
    pose = EVERYTHING.draw(volumes(), torch.Generator().manual_seed(0)).pose
    expected = functional.affine_grid(pose, [4, 1, 5, 6, 7], align_corners=False)
    torch.testing.assert_close(_grid(pose, torch.Size([5, 6, 7])), expected)


def test_float16_scans_come_out_in_float32():
    assert augmented(EVERYTHING, volumes().half()).dtype == torch.float32


def test_intensities_stay_at_0_or_above():
    assert augmented(EVERYTHING, volumes()).min() >= 0
