from dataclasses import replace

import numpy as np

from clinimcl.phantoms.brain.acquisition import pose_matrix, undo_pose
from clinimcl.phantoms.brain.anatomy import load_anatomy
from clinimcl.phantoms.brain.brain import grid_affine, grid_shape, render, sample_rerun
from clinimcl.phantoms.brain.cohort import sample_member
from clinimcl.phantoms.brain.parameters import BRAIN

COARSE = replace(BRAIN, spacing=4.0)


def two_sessions(seed):
    member = next(m for m in (sample_member(seed, n, COARSE) for n in range(9)) if len(m.sessions) > 1)
    return member, member.sessions[0][0], member.sessions[-1][0]


def likeness(first, second):
    return np.corrcoef(first.ravel(), second.ravel())[0, 1]


def test_rendering_has_no_randomness_of_its_own():
    member, session, _ = two_sessions(0)
    np.testing.assert_array_equal(render(member.subject, session, COARSE), render(member.subject, session, COARSE))


def test_a_scan_is_a_brain_on_an_empty_background():
    member, session, _ = two_sessions(0)
    volume = render(member.subject, session, COARSE)
    litres = (volume > 100).sum() * COARSE.spacing**3 / 1e6
    assert volume.shape == grid_shape(COARSE.spacing) == (52, 60, 52)
    assert 0.9 < litres < 2.2
    assert (volume[:2] == 0).all()


def test_undoing_the_poses_makes_two_sessions_alike():
    member, earlier, later = two_sessions(0)
    affine, centre = grid_affine(COARSE.spacing), load_anatomy().centre
    scans = [render(member.subject, session, COARSE).astype(np.float32) for session in (earlier, later)]
    poses = [pose_matrix(session.pose, centre) for session in (earlier, later)]
    moved = [undo_pose(scan, affine, pose, affine) for scan, pose in zip(scans, poses, strict=True)]
    assert likeness(*moved) > 0.97
    assert likeness(*moved) > likeness(*scans) + 0.02


def test_a_second_run_shows_the_head_almost_where_it_was():
    _, session, _ = two_sessions(0)
    again = sample_rerun(np.random.default_rng(0), session)
    assert np.abs(np.subtract(session.pose, again.pose)).max() <= 1
    assert again.noise_seed != session.noise_seed
