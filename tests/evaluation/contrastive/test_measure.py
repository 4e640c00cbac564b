import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.contrastive.inputs import Embedded
from clinimcl.evaluation.contrastive.measure import evaluate, write_evaluation
from clinimcl.evaluation.statistics.metrics import Absent

VISITS = 3


def embedded(train: int = 12, test: int = 8, noise: float = 0.3) -> Embedded:
    """Identity in 16 dimensions, a drift of 0.3 a year along one more, and noise; raw voxels know nothing."""
    source = np.random.default_rng(0)
    split = ["train"] * train + ["test"] * test
    scans = pd.DataFrame(
        [
            {"subject": f"OAS{subject}", "session": f"d{visit}", "day": 365.0 * visit, "split": split[subject]}
            for subject in range(train + test)
            for visit in range(VISITS)
        ],
        columns=["subject", "session", "day", "split"],
    ).assign(scanner=None)
    vectors = np.repeat(source.normal(size=(train + test, 16)), VISITS, axis=0)
    vectors += noise * source.normal(size=vectors.shape)
    vectors = np.column_stack([vectors, 0.5 * scans["day"] / 365])
    raw = source.normal(size=(test * VISITS, 50)).astype(np.float32)
    return Embedded(
        scans,
        {1: source.normal(size=vectors.shape), 2: vectors},
        best=2,
        raw=raw,
        validation_losses=source.uniform(size=6),
    )


def without_projection(given: Embedded) -> Embedded:
    """So few points that UMAP, which compiles for seconds, is left out."""
    return given._replace(epochs={given.best: given.epochs[given.best]})


def small() -> Embedded:
    return without_projection(embedded(test=3))


def test_encoder_that_knows_identity_beats_voxels_that_do_not():
    evaluation = evaluate(embedded(), seed=0)
    assert evaluation.metrics["retrieval_top1"].value == 1.0
    assert evaluation.metrics["retrieval_top1_minus_raw_voxels"].low > 0
    assert evaluation.metrics["order_tau"].low > 0
    assert evaluation.diagnosis.name == "healthy"
    assert list(evaluation.projections) == ["UMAP 2-D", "PCA 2-D", "UMAP 3-D", "PCA 3-D"]


def test_same_seed_gives_the_same_metrics():
    assert evaluate(small(), seed=3).metrics == evaluate(small(), seed=3).metrics


def test_loss_stands_beside_the_log_of_its_subjects():
    assert evaluate(small(), seed=0).metrics["val_loss"].chance == pytest.approx(np.log(6))


def test_collapsed_loss_has_an_interval_too():
    metric = evaluate(small()._replace(validation_losses=np.full(6, np.log(6))), seed=0).metrics["val_loss"]
    assert metric.value == pytest.approx(np.log(6))
    assert metric.low < metric.value < metric.high


def test_what_is_not_given_is_absent_with_a_reason():
    evaluation = evaluate(small()._replace(raw=None, validation_losses=None), seed=0)
    assert {"raw_voxels_retrieval_top1", "retrieval_top1_minus_raw_voxels", "val_loss"} <= set(evaluation.absent)
    assert not evaluation.metrics.keys() & evaluation.absent.keys()


def test_cohort_without_test_subjects_is_evaluated_to_reasons():
    evaluation = evaluate(without_projection(embedded(test=0))._replace(raw=None), seed=0)
    assert list(evaluation.metrics) == ["val_loss"]
    assert evaluation.absent["retrieval_top1"] == "the cohort has no test subjects"
    assert evaluation.diagnosis.name == "unknown"


def test_one_test_subject_is_evaluated_to_reasons():
    given = without_projection(embedded(test=1))
    evaluation = evaluate(given, seed=0)
    assert "retrieval_top1" in evaluation.absent
    assert isinstance(evaluation.by_epoch[2]["effective_rank"], Absent)


def test_two_training_subjects_and_nothing_else_do_not_stop_the_evaluation():
    given = without_projection(embedded(train=2, test=0))._replace(raw=None, validation_losses=np.ones(1))
    assert evaluate(given, seed=0).metrics == {}


def test_other_scanners_are_searched_where_they_are_known():
    given = small()
    scanner = np.where(given.scans["session"] == "d0", "Trio", "Vision")
    evaluation = evaluate(given._replace(scans=given.scans.assign(scanner=scanner)), seed=0)
    assert evaluation.metrics["retrieval_top1_other_scanner"].n_items == 9
    assert "raw_voxels_retrieval_top1_other_scanner" in evaluation.metrics


def test_voxels_moved_back_get_rows_of_their_own():
    given = small()
    evaluation = evaluate(given._replace(realigned=given.vectors(2, "test")), seed=0)
    assert evaluation.metrics["retrieval_top1_minus_realigned_voxels"].value == 0
    assert list(evaluation.by_gap) == ["encoder", "raw_voxels", "realigned_voxels"]


def test_files_are_as_in_the_contract(tmp_path: Path):
    write_evaluation(evaluate(small(), seed=0), tmp_path)
    entries = json.loads((tmp_path / "evaluation.json").read_text())
    assert {"value", "low", "high", "chance", "n_subjects", "n_items"} == set(entries["retrieval_top1"])
    assert set(json.loads((tmp_path / "absent.json").read_text())) & set(entries) == set()
    epochs = pd.read_csv(tmp_path / "epochs.csv")
    assert set(epochs["epoch"]) == {2}
