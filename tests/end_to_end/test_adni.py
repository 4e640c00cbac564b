"""LEARNER on brains, once: a phantom in ADNI's layout to a report, its probes, and its slices as frames."""

import json

import pandas as pd
import pytest

TINY = [
    "review_scans=0",
    "experiment=adni_learner",
    "engine.workers=1",
    "preparation.grid=16",
    "epochs=1",
    "pretrain.batch=8",
    "cohort.split.validation=0.2",
    "cohort.split.test=0.3",
    "change.epochs=1",
    "change.permutation_test=false",
    "cohort.root=adni",
    "store=store",
]


@pytest.fixture(scope="module")
def folder(clinimcl, tmp_path_factory):
    """12 phantom subjects at 16 mm, and a run."""
    folder = tmp_path_factory.mktemp("brains")
    written = clinimcl("phantom", "layout=adni", "out=adni", "subjects=12", "spacing=16.0", "workers=1", cwd=folder)
    assert written.returncode == 0, written.stderr
    trained = clinimcl("train", *TINY, "encoder.channels=[8,8]", "run=run", cwd=folder)
    assert trained.returncode == 0, trained.stderr
    return folder


def test_the_score_of_the_nearest_visit_is_learned_and_its_change_tested(folder):
    audit = pd.read_csv(folder / "store" / "match_audit.csv")
    assert set(audit["status"]) == {"matched"}
    assert pd.read_csv(folder / "run" / "metrics.csv")["validation/mse"].count() == 1
    metrics = json.loads((folder / "run" / "evaluation.json").read_text())
    assert {"accuracy", "score_spearman", "oracle_accuracy"} <= set(metrics)
    assert "Tested on pairs of scans of one person" in (folder / "run" / "report.html").read_text()


def test_probes_stand_beside_what_was_measured_of_a_score_pretrained_run(folder, clinimcl):
    before = json.loads((folder / "run" / "evaluation.json").read_text())
    result = clinimcl("evaluate", "run=run", "probes=true", cwd=folder)
    assert result.returncode == 0, result.stderr
    after = json.loads((folder / "run" / "evaluation.json").read_text())
    assert set(before.pop("groups")["headlines"]) < set(after["groups"]["headlines"])
    assert {name: after[name] for name in before} == before
    assert {"probe_score_spearman", "untrained_probe_score_spearman", "probe_age_mae"} <= set(after)
    assert "<h2>Probes</h2>" in (folder / "run" / "report.html").read_text()


def test_a_grouping_that_no_table_has_gets_a_sentence(folder, clinimcl):
    result = clinimcl("evaluate", "run=run", "groups=[sex,race]", "probes=false", cwd=folder)
    assert result.returncode == 2
    assert "groups=race is no column with a value" in result.stderr and "severity" in result.stderr


def test_results_are_compared_by_a_further_column_of_the_cohorts_tables(folder, clinimcl):
    result = clinimcl("evaluate", "run=run", "groups=[sex,DX_bl]", "probes=false", cwd=folder)
    assert result.returncode == 0, result.stderr
    groups = json.loads((folder / "run" / "evaluation.json").read_text())["groups"]
    assert set(groups["headlines"]["accuracy"]) == {"sex", "DX_bl"}
    assert "<h2>For whom</h2>" in (folder / "run" / "report.html").read_text()


def test_slices_of_volumes_train_an_encoder_of_frames(folder, clinimcl):
    frames = ["encoder=vit", "encoder.layers=1", "loading.slices=2"]
    result = clinimcl("train", *TINY, *frames, "run=slices", cwd=folder)
    assert result.returncode == 0, result.stderr
    contract = json.loads((folder / "slices" / "checkpoints" / "best.ckpt.contract.json").read_text())
    assert contract["input"] == "2x16x16"
    assert pd.read_csv(folder / "slices" / "metrics.csv")["train/loss"].notna().any()


def test_a_classifier_reads_harmonised_embeddings_and_the_report_says_so(folder, clinimcl):
    result = clinimcl("train", *TINY, "encoder.channels=[8,8]", "run=even", "harmonise=combat", cwd=folder)
    assert result.returncode == 0, result.stderr
    sentence = "The classifier reads embeddings after harmonise=combat, fitted on training scans of"
    assert sentence in result.stdout and sentence in (folder / "even" / "report.html").read_text()


def test_what_harmonises_travels_with_the_exported_model(folder, clinimcl):
    exported = clinimcl("export", "run=even", "out=model", cwd=folder)
    assert exported.returncode == 0, exported.stderr
    held = [json.loads((folder / place).read_text()) for place in ("even/checkpoints/harmonisation.json",
                                                                    "model/harmonisation.json")]  # fmt: skip
    assert held[0] == held[1] and len(held[0]["sites"]) >= 2
    assert json.loads((folder / "model" / "card.json").read_text())["format"] == 2
    assert "| harmonised | by combat of " in (folder / "model" / "README.md").read_text()
