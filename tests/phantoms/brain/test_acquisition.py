import numpy as np
import pytest

from clinimcl.phantoms.brain.acquisition import (
    Pose,
    acquire,
    bias_field,
    pose_matrix,
    sample_pose,
    sample_scanners,
    undo_pose,
)
from clinimcl.phantoms.brain.parameters import BRAIN

CENTRE = (1.0, -20.0, 10.0)
FLAT = (0.0,) * 9


def block():
    volume = np.zeros((20, 20, 20), np.float32)
    volume[5:12, 6:15, 7:13] = 1.0
    return volume


def test_a_pose_at_rest_is_the_identity():
    np.testing.assert_array_equal(pose_matrix(Pose((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), CENTRE), np.eye(4))


def test_a_turn_leaves_the_centre_where_it_is():
    matrix = pose_matrix(Pose((5.0, -8.0, 9.0), (0.0, 0.0, 0.0)), CENTRE)
    np.testing.assert_allclose(matrix @ [*CENTRE, 1], [*CENTRE, 1], atol=1e-12)


def test_a_pose_is_rigid():
    matrix = pose_matrix(Pose((5.0, -8.0, 9.0), (3.0, 2.0, 1.0)), CENTRE)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)


def test_poses_stay_within_their_bounds():
    generator = np.random.default_rng(0)
    poses = np.array([sample_pose(generator, 10.0, 4.0) for _ in range(200)])
    assert 9 < np.abs(poses[:, 0]).max() <= 10
    assert 3.6 < np.abs(poses[:, 1]).max() <= 4


def test_undoing_a_shift_moves_the_head_back():
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    pose = pose_matrix(Pose((0.0, 0.0, 0.0), (4.0, 0.0, -2.0)), CENTRE)
    shifted = np.roll(block(), (2, 0, -1), (0, 1, 2))
    np.testing.assert_allclose(undo_pose(shifted, affine, pose, affine), block(), atol=1e-6)


def test_the_background_stays_empty():
    acquired = acquire(block(), 1.1, FLAT, 0.05, 3)
    assert (acquired[block() == 0] == 0).all()


def test_the_same_seed_gives_the_same_noise():
    np.testing.assert_array_equal(acquire(block(), 1.0, FLAT, 0.05, 3), acquire(block(), 1.0, FLAT, 0.05, 3))


def test_noise_without_amplitude_leaves_only_the_contrast_curve():
    np.testing.assert_allclose(acquire(block() * 0.5, 2.0, FLAT, 0.0, 3), block() * 0.25)


def test_shading_is_one_where_its_coefficients_are_zero():
    assert (bias_field(FLAT, (4, 5, 6)) == 1).all()


def test_shading_grows_along_its_axis():
    field = bias_field((0.1, *FLAT[1:]), (5, 4, 4))
    assert (np.diff(field, axis=0) > 0).all()


def test_every_site_owns_its_scanners():
    scanners = sample_scanners(np.random.default_rng(0), BRAIN.acquisition)
    assert len({scanner.name for scanner in scanners}) == len(scanners) == 6
    assert len({scanner.site for scanner in scanners}) == 3
