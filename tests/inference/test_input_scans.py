import dataclasses

import numpy as np
import pytest

from clinimcl.inference import input_scans
from clinimcl.inference.card import Input
from clinimcl.inference.input_scans import Refused, given
from clinimcl.preparation.clips import Clips
from tests.preparation.formats.dicom.test_dicom import LOOP, written
from tests.preparation.formats.video.test_video import encoded, gradient
from tests.preparation.volumes_of_tests import PIPELINE, PREPARED, patched

CLIPS = Clips(frames=2, side=8, crop=False)


def wanted(kind):
    return Input(kind=kind, preparation={}, slices=None, shape=[8, 8, 8], thickest=None)


def put(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    return str(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.avi", encoded(gradient(), "avi", "mjpeg", "yuvj420p")), ("x.dcm", written(LOOP))],
    ids=["video", "loop"],
)
def test_a_clip_beyond_the_bound_is_refused(tmp_path, monkeypatch, name, content):
    path = put(tmp_path, name, content)
    assert given("earlier", path, CLIPS, wanted("clip")).prepared.shape == (2, 8, 8)
    monkeypatch.setattr(input_scans, "MOST_BYTES", 300)
    with pytest.raises(Refused, match="the earlier scan cannot be used: has an absurd size"):
        given("earlier", path, CLIPS, wanted("clip"))


def test_an_unforeseen_fault_is_told_without_what_it_says(tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError("DOE^JANE")

    monkeypatch.setattr(Clips, "prepare", fail)
    with pytest.raises(Refused) as caught:
        given("earlier", put(tmp_path, "x.dcm", written(LOOP)), CLIPS, wanted("clip"))
    assert str(caught.value) == "the earlier scan cannot be used: it cannot be prepared (ValueError)"


@pytest.mark.parametrize(("name", "kind"), [("x.mp4", "volume"), ("x.dcm", "volume"), ("x.nii.gz", "clip")])
def test_the_kind_of_a_scan_is_told_before_it_is_decoded(tmp_path, name, kind):
    path = put(tmp_path, name, b"would not decode")
    with pytest.raises(Refused, match=f"it is .*, and the model was trained on {input_scans.MANY[kind]}"):
        given("later", path, CLIPS, wanted(kind))


def test_a_scan_that_does_not_say_how_it_lies_is_answered_where_the_card_does(tmp_path):
    path = put(tmp_path, "x.nii", patched(sform_code=0, qform_code=0))
    stated = dataclasses.replace(wanted("volume"), preparation={"orientation": "RAS"})
    assert np.abs(given("later", path, PIPELINE, stated).prepared.astype(float) - PREPARED).max() < 1e-3
    with pytest.raises(Refused, match=r"set cohort.orientation"):  # an earlier card has no such field
        given("later", path, PIPELINE, wanted("volume"))
