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
    assert {name: after[name] for name in before} == before
    assert {"probe_score_spearman", "untrained_probe_score_spearman", "probe_age_mae"} <= set(after)
    assert "<h2>Probes</h2>" in (folder / "run" / "report.html").read_text()


def test_slices_of_volumes_train_an_encoder_of_frames(folder, clinimcl):
    frames = ["encoder=vit", "encoder.layers=1", "loading.slices=2"]
    result = clinimcl("train", *TINY, *frames, "run=slices", cwd=folder)
    assert result.returncode == 0, result.stderr
    contract = json.loads((folder / "slices" / "checkpoints" / "best.ckpt.contract.json").read_text())
    assert contract["input"] == "2x16x16"
    assert pd.read_csv(folder / "slices" / "metrics.csv")["train/loss"].notna().any()
