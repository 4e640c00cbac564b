import hashlib
import json
from dataclasses import replace

import pytest

from clinimcl.errors import UserError
from clinimcl.phantoms.brain.parameters import BRAIN, digest
from clinimcl.phantoms.writing import write_cohort

TINY = replace(BRAIN, spacing=16.0)


def digests(root):
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_smaller_cohort_is_the_beginning_of_a_larger_one(tmp_path):
    write_cohort(tmp_path / "small", "oasis3", 2, 0, TINY, workers=1)
    write_cohort(tmp_path / "large", "oasis3", 4, 0, TINY, workers=1)
    scans = {name: value for name, value in digests(tmp_path / "small").items() if name.endswith(".nii.gz")}
    assert scans.items() <= digests(tmp_path / "large").items()


def test_another_seed_writes_other_people(tmp_path):
    write_cohort(tmp_path / "a", "oasis3", 1, 0, TINY, workers=1)
    write_cohort(tmp_path / "b", "oasis3", 1, 1, TINY, workers=1)
    tables = [(tmp_path / name / "OASIS3_demographics.csv").read_text() for name in "ab"]
    assert tables[0] != tables[1]


def test_the_same_call_again_does_nothing(tmp_path):
    assert write_cohort(tmp_path / "out", "bids", 1, 0, TINY, workers=1)
    assert not write_cohort(tmp_path / "out", "bids", 1, 0, TINY, workers=1)


def test_the_description_holds_parameters_digest_and_seed(tmp_path):
    write_cohort(tmp_path / "out", "bids", 1, 7, TINY, workers=1)
    description = json.loads((tmp_path / "out" / "phantom.json").read_text())
    assert (description["seed"], description["digest"]) == (7, digest(TINY))
    assert description["parameters"]["spacing"] == 16.0


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="must be empty or absent"):
        write_cohort(tmp_path, "bids", 1, 0, TINY, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_another_phantom_is_not_overwritten(tmp_path):
    write_cohort(tmp_path / "out", "bids", 1, 0, TINY, workers=1)
    with pytest.raises(UserError, match="holds something else"):
        write_cohort(tmp_path / "out", "bids", 1, 1, TINY, workers=1)


def test_what_a_killed_run_left_is_replaced(tmp_path):
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / "half").write_text("")
    write_cohort(tmp_path / "out", "bids", 1, 0, TINY, workers=1)
    assert not (tmp_path / "out.partial").exists()
    assert not (tmp_path / "out" / "half").exists()


@pytest.mark.parametrize(
    ("layout", "subjects", "seed", "names"),
    [("dicom", 1, 0, "layout"), ("bids", 0, 0, "subjects"), ("bids", 1, -1, "seed")],
)
def test_an_impossible_request_is_a_sentence(tmp_path, layout, subjects, seed, names):
    with pytest.raises(UserError, match=names):
        write_cohort(tmp_path / "out", layout, subjects, seed, TINY)
    assert not list(tmp_path.iterdir())
