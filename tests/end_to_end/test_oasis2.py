"""OASIS-2's pairs, once: a phantom in its layout to a report that knows the row of brain volume."""

import json

TINY = [
    "experiment=oasis2_change",
    "engine.workers=1",
    "preparation.grid=16",
    "encoder.channels=[8,8]",
    "debug=one_step",
    "change.epochs=1",
    "change.permutation_test=false",
    "cohort.split.validation=0.25",
    "cohort.split.test=0.25",
]


def test_pairs_and_their_table_become_a_report(clinimcl, tmp_path):
    asked = ["layout=oasis2", "out=oasis2", "subjects=12", "spacing=16.0", "workers=1"]
    written = clinimcl("phantom", *asked, cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    trained = clinimcl("train", *TINY, "cohort.root=oasis2", "run=run", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert "0 set aside" in trained.stdout
    metrics = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert {"brain_volume_accuracy", "oracle_accuracy"} <= set(metrics)
    assert "A change is a difference of at least 0.5" in (tmp_path / "run" / "report.html").read_text()
