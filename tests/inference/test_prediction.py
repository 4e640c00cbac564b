import re

import nibabel as nib
import numpy as np
import pytest

from clinimcl.inference.input_scans import Refused, Unread, given, given_pair
from clinimcl.inference.prediction import answer, ask, sentences
from tests.inference.heads import head, nifti
from tests.preparation.formats.dicom.test_dicom import directory
from tests.preparation.formats.dicom.test_dicom import nifti as same
from tests.preparation.formats.dicom.test_dicom import series as slices


def written(folder, name, voxels, spacing=8.0):
    path = folder / f"{name}.nii"
    path.write_bytes(nifti(voxels, spacing))
    return str(path)


@pytest.fixture
def pair(tmp_path):
    return written(tmp_path, "one", head(1)), written(tmp_path, "two", head(2))


def answered(model, earlier, later, **days):
    asked = ask(model, *given_pair(earlier, later, model.pipeline, model.parts.input))
    return answer(model, asked, **days)


def test_probabilities_sum_to_one(model, pair):
    found = answered(model, *pair)
    assert sum(found.change.values()) == pytest.approx(1)
    assert found.answered in found.likely


def test_exchanged_files_exchange_the_answer_exactly(model, pair):
    one, other = answered(model, *pair).change, answered(model, *pair[::-1]).change
    assert one["improved"] == other["deteriorated"] and one["stable"] == other["stable"]


def test_the_answer_is_said_with_its_uncertainty(model, pair):
    said = sentences(model, answered(model, *pair))
    assert re.match(r"(improved|stable|deteriorated): .*%", said[0])
    assert said[-1] == "For research, not a medical device."
    assert "calibrated on 40 pairs of 20 validation subjects" in said[2]


def test_one_file_twice_is_refused(model, pair):
    with pytest.raises(Refused, match="one and the same"):
        answered(model, pair[0], pair[0])


def test_one_scan_in_two_files_is_refused(model, tmp_path, pair):
    with pytest.raises(Refused, match="one and the same"):
        answered(model, pair[0], written(tmp_path, "copy", head(1).astype(np.float32)))


def test_a_scan_unlike_the_training_is_refused(model, tmp_path, pair):
    with pytest.raises(Refused, match="the later scan is out of distribution: it looks unlike"):
        answered(model, pair[0], written(tmp_path, "odd", head(3)[::-1].cumsum(axis=0).astype(np.int16)))


def refused(model, path):
    with pytest.raises((Refused, Unread)) as caught:
        given("later", str(path), model.pipeline, model.parts.input)
    return str(caught.value)


def test_thick_slices_are_refused(model, tmp_path):
    assert "50 mm apart, and the model needs at most 40 mm" in refused(
        model, written(tmp_path, "thick", head(1, 8), 50.0)
    )


@pytest.mark.parametrize("spoil", ["text", "truncated", "flipped", "missing", "folder", "four", "huge"])
def test_what_is_no_scan_is_refused_without_its_name(model, tmp_path, spoil):
    path = tmp_path / "JANE_DOE.nii"
    content = nifti(head(1))
    bytes_of = {"text": b"hello" * 100, "truncated": content[:-100], "flipped": b"\x00" * 400 + content[400:]}
    huge = nib.Nifti1Image(np.zeros((4, 4, 4)), np.eye(4)).header
    huge.set_data_shape((900, 900, 900))
    bytes_of["huge"] = huge.binaryblock + bytes(1000)
    bytes_of["four"] = nifti(np.stack([head(1)] * 2, axis=-1))
    if spoil in bytes_of:
        path.write_bytes(bytes_of[spoil])
    if spoil == "folder":
        path.mkdir()
    said = refused(model, path)
    assert said.startswith("the later scan cannot be used: ") and "JANE" not in said


def test_a_video_is_refused_by_a_model_of_volumes(model, tmp_path):
    from PIL import Image

    path = tmp_path / "still.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(path)
    assert "it is a video or a still, and the model was trained on volumes" in refused(model, path)


@pytest.mark.parametrize("name", ["{}.dcm", "IM-{:04d}", "1.2.840.113619.2.5.{}"])
def test_a_folder_of_slices_is_the_scan_of_its_nifti(model, tmp_path, name):
    voxels = head(1)
    (tmp_path / "slices").mkdir()
    for number, content in enumerate(slices(voxels)):
        (tmp_path / "slices" / name.format(number)).write_bytes(content)
    (tmp_path / "slices" / "DICOMDIR").write_bytes(directory())
    (tmp_path / "same.nii").write_bytes(same(voxels))
    folder, file = (
        given("later", str(tmp_path / name), model.pipeline, model.parts.input) for name in ("slices", "same.nii")
    )
    np.testing.assert_array_equal(folder.prepared, file.prepared)


def test_what_gives_no_finite_numbers_is_refused(model, pair, monkeypatch):
    monkeypatch.setattr(type(model), "unlikeness", lambda *_: {"appearance": 0.5, "embedding": float("nan")})
    with pytest.raises(Refused, match="gives the model no finite numbers"):
        answered(model, *pair)
