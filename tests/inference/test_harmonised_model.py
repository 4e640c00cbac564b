"""A model that harmonises: of known scanners, of others, and of those that are not given."""

import dataclasses
import shutil
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from clinimcl.errors import UserError
from clinimcl.exporting.model_card import write_model_card
from clinimcl.harmonisation.combat import fit_harmonisation
from clinimcl.harmonisation.numbers import FILE, write_harmonisation
from clinimcl.inference import card
from clinimcl.inference.input_scans import Given
from clinimcl.inference.model import Model
from clinimcl.inference.prediction import Answer, answer, ask
from clinimcl.preparation.formats.nifti import read_nifti
from tests.inference.asking import ended
from tests.inference.heads import head, nifti


@pytest.fixture(scope="module")
def harmonising(folder, tmp_path_factory) -> Model:
    """The untrained model, with shifts of two scanners in its six dimensions."""
    copied = tmp_path_factory.mktemp("harmonising") / "model"
    shutil.copytree(folder, copied)
    scans = pd.DataFrame({"subject": np.arange(40), "scanner": ["Trio", "Skyra"] * 20})
    vectors = np.random.default_rng(0).normal(size=(40, 6)) + np.arange(40)[:, None] % 2
    write_harmonisation(fit_harmonisation("combat", vectors, scans, "scanner"), copied / FILE)
    made = card.read_card(folder)
    (copied / card.SUMS).unlink()
    (copied / card.CARD).unlink()
    made = dataclasses.replace(made, format=card.HARMONISED_FORMAT, files=card.digests(copied))
    card.write_card(made, copied)
    card.write_sums(copied)
    return Model(copied)


def answered(model: Model, *scanners: str | None) -> Answer:
    read = [read_nifti(nifti(head(seed))) for seed in (100, 101)]
    pair = [
        Given(role, scan, model.pipeline.prepare(scan), role)
        for role, scan in zip(("earlier", "later"), read, strict=True)
    ]
    return answer(model, ask(model, *pair, scanners))


def test_known_scanners_change_the_answer_and_are_not_flagged(harmonising: Model, model: Model):
    own = answered(harmonising, "Trio", "Skyra")
    assert own.change != answered(model, "Trio", "Skyra").change
    assert not any("harmonised" in flag for flag in own.flags)


def test_a_scanner_that_did_not_train_the_model_is_answered_as_it_is_and_flagged(harmonising: Model, model: Model):
    other = answered(harmonising, "Vida", "Vida")
    assert other.change == answered(model, "Vida", "Vida").change
    assert any(
        "the scanner of the later scan is none of the 2 that harmonisation.json names" in flag for flag in other.flags
    )


def test_a_scanner_that_is_not_given_is_flagged_with_the_setting_that_gives_it(harmonising: Model):
    flags = [flag for flag in answered(harmonising, "Trio", None).flags if "harmonised" in flag]
    assert len(flags) == 1
    assert "the scanner of the later scan is not given (later_scanner=)" in flags[0]


def test_scanners_that_a_model_does_not_harmonise_are_said_to_change_nothing(model: Model):
    said = "change nothing: this model does not harmonise"
    assert any(said in flag for flag in answered(model, "Trio", None).flags)
    assert not any(said in flag for flag in answered(model, None, None).flags)


def test_the_model_card_says_by_what_it_harmonises_and_what_it_needs(harmonising: Model, tmp_path):
    assert harmonising.harmonisation is not None
    write_harmonisation(harmonising.harmonisation, tmp_path / FILE)
    told = defaultdict(dict, harmonising.card.told)  # what is not told is empty
    write_model_card(dataclasses.replace(harmonising.card, told=told), tmp_path)
    said = (tmp_path / "README.md").read_text()
    assert "by combat of 2 scanners, preserving no covariate" in said
    assert "`earlier_scanner=`, `later_scanner=`" in said


def test_likeness_does_not_hang_on_the_scanner_that_was_given(harmonising: Model):
    assert answered(harmonising, "Trio", "Skyra").likeness == answered(harmonising, None, None).likeness


def flagged(client, **fields: str) -> list[str]:
    """What a server says of embeddings that are not harmonised."""
    files = {role: (f"{role}.nii", nifti(head(seed))) for role, seed in (("earlier", 100), ("later", 101))}
    state = ended(client, files, **fields)
    assert state["state"] == "done"
    return [line for line in state["said"] if "is not harmonised" in line]


def test_a_server_answers_all_scans_as_of_its_scanner(harmonising: Model, serving):
    assert flagged(serving(model=harmonising, scanner="Trio")) == []
    assert len(flagged(serving(model=harmonising))) == 2


def test_an_upload_that_names_a_scanner_outdoes_that_of_the_server(harmonising: Model, serving):
    lines = flagged(serving(model=harmonising, scanner="Trio"), later_scanner="Vida")
    assert len(lines) == 1 and "the scanner of the later scan is none of the 2" in lines[0]


def test_a_server_of_a_scanner_that_the_model_does_not_know_does_not_begin(harmonising: Model, model: Model):
    with pytest.raises(UserError, match="scanner=Vida is no scanner of this model: choose one of Skyra, Trio"):
        harmonising.check_scanner("Vida")
    with pytest.raises(UserError, match="this model does not harmonise; leave scanner out"):
        model.check_scanner("Trio")
    assert harmonising.check_scanner("Trio") is None


def test_serving_a_model_that_does_not_harmonise_with_a_scanner_ends_with_a_sentence(clinimcl, folder, tmp_path):
    result = clinimcl("serve", f"model={folder}", "scanner=Trio", "port=0", cwd=tmp_path)
    assert result.returncode == 2
    assert "scanner=Trio changes nothing: this model does not harmonise" in result.stderr
