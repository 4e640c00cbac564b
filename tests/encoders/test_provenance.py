import dataclasses
import json

import pytest

from clinimcl.encoders.provenance import (
    Contract,
    check_new,
    contract_path,
    hashed,
    made,
    overlap,
    read_contract,
    write_contract,
)
from clinimcl.errors import UserError


def contract(*subjects):
    return Contract(
        input="clip 8x224x224",
        intensity=[0.0, 1.0],
        cohorts=["lung"],
        subjects=hashed(subjects, "salt"),
        salt="salt",
        licence="CC-BY-4.0",
    )


def written(folder, **fields):
    text = json.dumps(dataclasses.asdict(contract("a")) | fields)
    contract_path(folder / "weights.pth").write_text(text)
    return folder / "weights.pth"


def test_a_contract_is_read_as_it_was_written(tmp_path):
    write_contract(tmp_path / "weights.pth", contract("a", "b"))
    assert read_contract(tmp_path / "weights.pth") == contract("a", "b")
    assert [path.name for path in tmp_path.iterdir()] == ["weights.pth.contract.json"]


def test_no_contract_is_none(tmp_path):
    assert read_contract(tmp_path / "weights.pth") is None


def test_subjects_are_hashed_without_their_order_or_repetition():
    assert hashed(["b", "a", "b"], "salt") == hashed(["a", "b"], "salt")
    assert all(len(digits) == 16 and int(digits, 16) >= 0 for digits in hashed(["a", "b"], "salt"))


def test_another_salt_gives_other_hashes():
    assert not set(hashed(["a", "b"], "salt")) & set(hashed(["a", "b"], "pepper"))


def test_test_subjects_who_trained_the_weights_are_counted():
    assert overlap(contract("a", "b", "c"), ["c", "d", "b", "b"]) == 2
    assert overlap(contract("a"), ["d"]) == 0


def test_whole_intensities_are_read_as_fractions(tmp_path):
    assert read_contract(written(tmp_path, intensity=[0, 1])).intensity == [0.0, 1.0]


def test_the_sentence_counts_subjects():
    assert contract("a", "b").sentence.startswith("trained on 2 subjects of lung, input clip 8x224x224 with")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"subjects": "a"}, "subjects must be a list of strings"),
        ({"salt": 3}, "salt must be a string, got 3"),
        ({"intensity": [0]}, "intensity must be the lowest and the highest value"),
        ({"more": 1}, "a contract must have the fields input, .* got input, .*more"),
    ],
)
def test_a_contract_of_another_form_is_refused(tmp_path, fields, said):
    with pytest.raises(UserError, match=said):
        read_contract(written(tmp_path, **fields))


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_contract_is_refused(tmp_path, text):
    contract_path(tmp_path / "weights.pth").write_text(text)
    with pytest.raises(UserError, match=r"weights.pth.contract.json.* contract"):
        read_contract(tmp_path / "weights.pth")


def trained_by(path, *subjects, earlier=None):
    write_contract(path, made("16x16x16", "Oasis3", subjects, earlier=earlier and read_contract(earlier)))
    return path


def test_people_who_trained_the_weights_are_refused_with_their_number(tmp_path):
    weights = trained_by(tmp_path / "best.ckpt", "a", "b", "c")
    with pytest.raises(UserError, match="2 held-out subjects have the ids of subjects who trained"):
        check_new(weights, ["b", "c", "d"], allowed=False)
    assert check_new(weights, ["d"], allowed=False) == 0


def test_people_who_trained_what_the_weights_started_from_are_refused_however_long_ago(tmp_path):
    first = trained_by(tmp_path / "first.ckpt", "a")
    second = trained_by(tmp_path / "second.ckpt", "b", earlier=first)
    third = trained_by(tmp_path / "third.ckpt", "c", earlier=second)
    with pytest.raises(UserError, match="3 held-out subjects"):
        check_new(third, ["a", "b", "c"], allowed=False)
    assert check_new(third, ["a", "d"], allowed=True) == 1


def test_weights_that_do_not_tell_who_trained_them_are_refused_where_they_must(tmp_path):
    with pytest.raises(UserError, match="has no contract beside it"):
        check_new(tmp_path / "best.ckpt", ["a"], allowed=False)
    assert check_new(tmp_path / "resnet18.pth", ["a"], allowed=False, must_tell=False) == 0
