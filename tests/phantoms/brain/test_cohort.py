from dataclasses import replace

import nibabel as nib
import numpy as np

from clinimcl.phantoms.brain.brain import grid_affine, render
from clinimcl.phantoms.brain.cohort import sample_member, write_scan
from clinimcl.phantoms.brain.parameters import BRAIN

TINY = replace(BRAIN, spacing=8.0)


def test_a_member_depends_on_seed_and_number_only():
    assert sample_member(3, 5, TINY) == sample_member(3, 5, TINY)
    assert sample_member(3, 5, TINY) != sample_member(4, 5, TINY)


def test_members_differ():
    assert sample_member(3, 5, TINY).subject != sample_member(3, 6, TINY).subject


def test_sessions_follow_in_time():
    for number in range(20):
        days = [runs[0].day for runs in sample_member(0, number, TINY).sessions]
        assert days == sorted(set(days))


def test_visits_reach_past_the_last_scan():
    for number in range(20):
        member = sample_member(0, number, TINY)
        assert member.visits[-1].day >= member.sessions[-1][0].day


def test_visits_fall_on_days_of_their_own():
    members = [sample_member(0, number, TINY) for number in range(20)]
    shared = [{v.day for v in m.visits} & {runs[0].day for runs in m.sessions} for m in members]
    assert sum(map(bool, shared)) <= 1


def test_some_members_have_one_session_and_most_have_more():
    counts = [len(sample_member(0, number, TINY).sessions) for number in range(60)]
    assert 0 < counts.count(1) < 15


def test_some_sessions_are_made_on_another_scanner():
    members = [sample_member(0, number, TINY) for number in range(30)]
    changed = [len({runs[0].scanner.name for runs in m.sessions}) > 1 for m in members]
    assert 0 < sum(changed) < 25


def test_a_stored_scan_is_the_rendered_volume_in_another_orientation(tmp_path):
    for number in range(20):
        member = sample_member(0, number, TINY)
        session = member.sessions[0][0]
        if session.scanner.orientation == "PIR":
            break
    write_scan(tmp_path / "scan.nii.gz", member, session, TINY)
    image = nib.Nifti1Image.from_filename(tmp_path / "scan.nii.gz")
    canonical = nib.as_closest_canonical(image)
    assert "".join(nib.orientations.aff2axcodes(image.affine)) == session.scanner.orientation == "PIR"
    np.testing.assert_array_equal(np.asarray(canonical.dataobj), render(member.subject, session, TINY))
    np.testing.assert_allclose(canonical.affine, grid_affine(TINY.spacing))
