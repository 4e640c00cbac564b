"""LEARNER on pictures that a table lists."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

TINY = [
    "review_scans=0",
    "experiment=lus_learner",
    "cohort=table",
    "cohort.root=scans.csv",
    "cohort.split.validation=0.2",
    "cohort.split.test=0.3",
    "engine.workers=1",
    "preparation.side=32",
    "preparation.frames=1",
    "encoder=vit",
    "encoder.layers=1",
    "epochs=1",
    "pretrain.batch=8",
    "change.epochs=1",
    "change.permutation_test=false",
    "run=run",
    "store=store",
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Three PNG or JPEG files of each of 12 people, a day apart."""
    folder, rows, generator = tmp_path_factory.mktemp("pictures"), [], np.random.default_rng(0)
    for person in range(12):
        for day in range(3):
            path = f"{person}_{day}.{'png' if person % 2 else 'jpg'}"
            Image.fromarray(generator.integers(0, 255, (40, 40), dtype=np.uint8)).save(folder / path)
            rows.append({"subject": f"anna {person}", "day": day, "path": path, "points": (person + 2 * day) % 5})
    pd.DataFrame(rows).to_csv(folder / "scans.csv", index=False)
    return folder


def test_the_score_of_the_experiment_is_refused_with_the_columns_there_are(clinimcl, pictures):
    refused = clinimcl("train", *TINY, cwd=pictures)
    assert refused.returncode == 2, refused.stderr
    said = "cohort.score=SF: no such column in scans.csv; there are subject, day, path, points"
    assert said in refused.stderr and "Traceback" not in refused.stderr


def test_stills_of_a_table_are_trained_on_to_a_report(clinimcl, pictures):
    score = ["cohort.score=points", "cohort.higher_is=better", "cohort.change_threshold=1"]
    result = clinimcl("train", *TINY, *score, cwd=pictures)
    assert result.returncode == 0, result.stderr
    scans = pd.read_parquet(pictures / "store" / "scans.parquet")
    assert (set(scans["modality"]), set(scans["reason"])) == ({"still"}, {""})
    assert json.loads((pictures / "run" / "evaluation.json").read_text())["accuracy"]["n_items"] > 0
    assert "anna" not in (pictures / "run" / "report.html").read_text()
