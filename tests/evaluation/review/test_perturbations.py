import numpy as np
import pytest
from scipy import ndimage

from clinimcl.evaluation.review.perturbations import (
    SIGMAS_A_WIDTH,
    blurred,
    moved_amid,
    of_clips,
    of_volumes,
    rician,
    shaded,
    slice_weights,
    slowed,
    thick_slices,
    turned,
)


def head(side: int = 24) -> np.ndarray:
    """A ball of tissue with a bright place off its middle."""
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij")) - (side - 1) / 2
    ball = (np.sqrt((grid**2).sum(axis=0)) < side / 3).astype(np.float32) * 0.6
    ball[side // 2 + 3 : side // 2 + 6, side // 2 : side // 2 + 3, side // 2 : side // 2 + 2] = 1.0
    return ball


def clip() -> np.ndarray:
    """A bright place that moves over a grey picture."""
    frame, row, column = np.meshgrid(np.arange(8), np.arange(64), np.arange(64), indexing="ij")
    place = (row - 20 - 3 * frame) ** 2 / 30 + (column - 40) ** 2 / 60
    return (0.3 + 0.6 * np.exp(-place)).astype(np.float32)


KINDS = [(own, head()) for own in of_volumes(4.0)] + [(own, clip()) for own in of_clips()]


@pytest.mark.parametrize(("kind", "scan"), KINDS, ids=lambda own: getattr(own, "name", ""))
def test_four_rising_strengths_leave_the_scan_further_from_what_it_was(kind, scan):
    assert len(kind.strengths) == 4 and list(kind.strengths) == sorted(kind.strengths)
    damaged = [kind.apply(scan, strength, np.random.default_rng(3)) for strength in kind.strengths]
    errors = [float(np.abs(own - scan).mean()) for own in damaged]
    assert all(own.shape == scan.shape and own.min() >= 0 and own.max() <= 1 for own in damaged)
    assert errors[0] > 0 and errors == sorted(errors)


@pytest.mark.parametrize(("kind", "scan"), KINDS, ids=lambda own: getattr(own, "name", ""))
def test_the_same_generator_gives_the_same_damage(kind, scan):
    one, other = (kind.apply(scan, kind.strengths[1], np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_noise_has_the_deviation_that_it_says_and_leaves_the_outside_of_a_mask():
    scan = np.full((30, 30, 30), 0.5, np.float32)
    scan[:5] = 0
    noisy = rician(scan, 5.0, np.random.default_rng(0))
    assert noisy[5:].std() == pytest.approx(0.05, rel=0.05)  # far above noise Rician is Gaussian
    assert not noisy[:5].any()


def test_blur_is_a_gaussian_of_the_width_that_it_says():
    point = np.zeros((31, 31, 31), np.float32)
    point[15, 15, 15] = 1
    profile = blurred(point, (6.0, 6.0, 6.0))[:, 15, 15]
    assert profile[12] == pytest.approx(profile[15] / 2, rel=0.01)  # half of the height, half of the width away
    assert pytest.approx(1 / 2.354820045) == SIGMAS_A_WIDTH


def test_the_bias_field_deviates_by_no_more_than_it_says():
    scan = np.full((16, 16, 16), 0.5, np.float32)
    ratio = shaded(scan, 40.0, np.random.default_rng(0)) / 0.5
    assert np.abs(ratio - 1).max() == pytest.approx(0.4, rel=1e-5)


def test_a_rotation_keeps_what_lies_in_the_middle_and_turns_by_its_angle():
    scan, rng = head(), np.random.default_rng(0)
    axis = np.random.default_rng(0).normal(size=3)
    before, after = (np.array(ndimage.center_of_mass(own > 0.9)) - 11.5 for own in (scan, turned(scan, 20.0, rng)))
    flat = [own - axis * (own @ axis) / (axis @ axis) for own in (before, after)]
    angle = np.degrees(np.arccos(flat[0] @ flat[1] / np.prod(np.linalg.norm(flat, axis=1))))
    assert angle == pytest.approx(20, abs=6)  # of a place two voxels wide


def test_thick_slices_are_means_and_their_weights_sum_to_one():
    weights = slice_weights(12, 2.5)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(slice_weights(12, 1.0), np.eye(12), atol=1e-12)
    ramp = np.broadcast_to(np.arange(12.0), (2, 2, 12))
    np.testing.assert_allclose(thick_slices(ramp, 2.0)[0, 0, 2:10], ramp[0, 0, 2:10], atol=1e-12)


def test_motion_of_no_extent_changes_nothing():
    scan = head()
    np.testing.assert_allclose(moved_amid(scan, 0.0, 0.0, np.random.default_rng(0)), scan, atol=1e-5)


def test_a_lower_frame_rate_holds_each_kept_frame():
    shown = slowed(np.arange(8.0)[:, None, None] + np.zeros((8, 4, 4)), 3)[:, 0, 0]
    assert shown.tolist() == [0, 0, 0, 3, 3, 3, 6, 6]
