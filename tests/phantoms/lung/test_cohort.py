import hashlib
import json
from dataclasses import replace

import av
import numpy as np
import pandas as pd
import pytest

from clinimcl.phantoms import truth
from clinimcl.phantoms.brain.parameters import digest
from clinimcl.phantoms.lung.cohort import COLUMNS, write_video
from clinimcl.phantoms.lung.member import ZONES, sample_member
from clinimcl.phantoms.lung.parameters import LUNG
from clinimcl.phantoms.writing import write_cohort

TINY = replace(LUNG, film=replace(LUNG.film, frames=3, side=96, samples=48, lines=40))


def digests(root):
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("lung") / "out"
    write_cohort(out, "lung", 3, 0, TINY, workers=1)
    return out


@pytest.fixture(scope="module")
def scans(cohort):
    return pd.read_csv(cohort / "scans.csv")


def test_a_member_depends_on_seed_and_number_only():
    assert sample_member(3, 5, LUNG) == sample_member(3, 5, LUNG)
    assert sample_member(3, 5, LUNG) != sample_member(4, 5, LUNG) != sample_member(4, 6, LUNG)


def test_gain_differs_from_session_to_session_and_not_within_one():
    visits = next(m for m in (sample_member(0, n, LUNG) for n in range(9)) if len(m.patient.zones) == 2).visits
    assert all(len({clip.view.gain for clip in visit.clips}) == 1 for visit in visits)
    assert len({visit.clips[0].view.gain for visit in visits}) == len(visits)


def test_the_chest_stays_while_the_probe_moves():
    first, second, *_ = sample_member(0, 0, LUNG).visits
    assert first.clips[0].thorax.seed == second.clips[0].thorax.seed
    assert first.clips[0].thorax.rib_at != second.clips[0].thorax.rib_at


def test_every_session_shows_the_same_zones():
    for number in range(10):
        member = sample_member(0, number, LUNG)
        assert all(tuple(clip.zone for clip in visit.clips) == member.patient.zones for visit in member.visits)
        assert set(member.patient.zones) <= set(ZONES)


def test_the_table_has_a_row_for_each_video(cohort, scans):
    assert tuple(scans.columns) == COLUMNS
    assert sorted(scans["path"]) == sorted(f"videos/{path.name}" for path in (cohort / "videos").iterdir())


def test_the_truth_has_a_row_for_each_video(cohort, scans):
    paths = [str(cohort / path) for path in scans["path"]]
    true = truth.scores(truth.read(str(cohort)), paths, "SF")
    assert np.corrcoef(true, scans["SF"])[0, 1] > 0.95


def test_the_description_names_the_phantom_and_its_parameters(cohort):
    description = json.loads((cohort / "phantom.json").read_text())
    assert (description["phantom"], description["layout"], description["digest"]) == ("lung", "lung", digest(TINY))


def test_two_workers_write_the_same_bytes_as_one(cohort, tmp_path):
    write_cohort(tmp_path / "two", "lung", 3, 0, TINY, workers=2)
    assert digests(tmp_path / "two") == digests(cohort)


def test_a_smaller_cohort_is_the_beginning_of_a_larger_one(cohort, tmp_path):
    write_cohort(tmp_path / "small", "lung", 2, 0, TINY, workers=1)
    videos = {name: value for name, value in digests(tmp_path / "small").items() if name.endswith(".mp4")}
    assert videos.items() <= digests(cohort).items()


def test_a_video_holds_what_was_rendered(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (4, 8, 8), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    write_video(tmp_path / "clip.mp4", frames, TINY.film)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        read = np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])
    assert read.shape == frames.shape
    assert np.abs(read.astype(float) - frames).mean() < 8
