"""All the videos of COVID-BLUES that CLINIMCL_REAL_DATA holds, prepared as a user would."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from clinimcl.cohorts.blues import Blues
from clinimcl.cohorts.splits import Splitting
from clinimcl.preparation.clips import Clips
from clinimcl.preparation.engines.engine import Local
from clinimcl.preparation.formats.video.video import decode_video
from clinimcl.preparation.prepare import prepare
from clinimcl.preparation.store.store import Store


@pytest.fixture(scope="module")
def root(real_data):
    return real_data / "covid_blues"


@pytest.fixture(scope="module")
def prepared(root, tmp_path_factory):
    split = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
    fields = {"score": "Severity Score", "higher_is": None, "mask": None, "spacing": None, "fold": None}
    cohort = Blues(root=str(root), split=split, **fields)
    store = Store(tmp_path_factory.mktemp("blues"))
    pipeline = Clips(frames=8, side=112, crop=True)
    done = prepare(cohort.table().scans, pipeline, store, Local(1), most_set_aside=0.0)
    clips = [store.get(row.key, row.checksum) for row in done.scans.itertuples()]
    return done, np.stack(clips).astype(np.float32)


def test_all_videos_are_prepared(prepared):
    assert str(prepared[0].tally) == "45 scans: 45 prepared, 0 already there, 0 set aside"
    assert prepared[1].shape == (45, 8, 112, 112)


def test_every_video_has_a_severity_and_a_zone(prepared):
    scans = prepared[0].scans
    assert scans["score"].isin([0, 1, 2, 3]).all()
    assert scans["zone"].isin(["L1", "L2", "L3", "R1", "R2", "R3"]).all()
    assert scans.groupby("subject").size().between(3, 7).all() and scans["subject"].nunique() == 8


def test_age_and_sex_are_known(prepared):
    scans = prepared[0].scans
    assert scans["age"].between(18, 100).all()
    assert scans["sex"].isin(["F", "M"]).all()


def test_nothing_is_cut_off_and_nothing_stretched(root, prepared):
    """The videos were cropped by those who published them: preparation only makes them smaller."""
    for row, clip in zip(prepared[0].scans.itertuples(), prepared[1], strict=True):
        frames = decode_video(Path(row.path).read_bytes()).frames
        middle = frames[len(frames) * 9 // 16].astype(np.float32) / 255
        small = ndimage.zoom(ndimage.gaussian_filter(middle, 1.3), 112 / 350, order=1, grid_mode=True, mode="nearest")
        assert np.corrcoef(small.ravel(), clip[4].ravel())[0, 1] > 0.97


def test_frames_of_a_clip_differ(prepared):
    assert (prepared[1].std(axis=1).mean(axis=(1, 2)) > 0.002).all()
