from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.change.measure import evaluate_change
from clinimcl.evaluation.review.flow import Use
from clinimcl.evaluation.review.inputs import Calibrated, ReviewInputs, RunFacts
from clinimcl.evaluation.statistics.metrics import Absent
from tests.evaluation.change.conftest import given  # noqa: F401  # inputs of health change

SETTINGS = {
    "seed": 3,
    "epochs": 2,
    "cohort": {"split": {"by": "subject", "validation": 0.1, "test": 0.2, "seed": 5}},
    "preparation": {"_target_": "clinimcl.preparation.pipeline.FieldOfView", "grid": 48},
    "encoder": {"_target_": "clinimcl.encoders.cnn3d.CNN3d", "channels": [8, 8]},
    "module": {"_target_": "clinimcl.modules.score.ScorePretraining"},
    "classifier": {"_target_": "clinimcl.encoders.change_classifier.ChangeClassifier"},
    "pretrain": {"batch": 4, "seed": 3},
    "objective": {"_target_": "clinimcl.losses.score_objective.ScoreObjective", "mse_weight": 0.9},
    "optimizer": {"_target_": "torch.optim.adamw.AdamW", "lr": 1e-3},
    "augmentation": None,
    "schedule": None,
    "change": {"frozen": True, "balanced": True, "batch": 8},
}


def facts() -> RunFacts:
    return RunFacts(
        title="a <run>",
        settings=SETTINGS,
        cohort="Adni",
        generated=False,
        remarks=["3 values lie outside <the scale>"],
        parameters={"encoder": 1234, "classifier": 56},
        weights="",
        rule="A change is a difference of at least 3 (higher is better).",
        versions={"python": "3.11"},
        machine={"cores": "2"},
        costs={"pretraining": {"seconds": 90.0, "joules": 7.2e6}},
        elsewhere=[],
        groups=False,
    )


@pytest.fixture(scope="session")
def inputs(given) -> Callable[..., ReviewInputs]:  # noqa: F811
    """Of a run that classifies change and errs now and then."""
    change = given()
    scans = change.scans.assign(path=[f"/data/ADNI/{n}.nii" for n in range(len(change.scans))])
    change = change._replace(scans=scans, probabilities=np.roll(change.probabilities, 5, axis=0))
    measured = evaluate_change(change, seed=0).measured

    def build(**replaced: object) -> ReviewInputs:
        table = scans.assign(reason="", scanner=None, modality="T1w")
        table.loc[[0, 40], "reason"] = "ADNI0 is truncated: 5 bytes"
        names = {subject: f"subject {n}" for n, subject in enumerate(scans["subject"].unique(), 1)}
        tested = frozenset(scans["path"][np.unique(change.test[["earlier", "later"]])])
        made = ReviewInputs(
            facts=facts(),
            table=pd.DataFrame(table),
            names=names,
            uses=[Use("test", "test the classifier of change", tested, ("score",), "no partner")],
            metrics=measured,
            change=change,
            calibrated=Calibrated(change.probabilities, "Calibrated on 9 pairs."),
            retrieval=None,
            picture=lambda path: np.full((8, 8, 8), 0.5, np.float32) * np.arange(8, dtype=np.float32) / 8,
            robustness=Absent("it was not asked for (review_scans=0)"),
            occlusion=Absent("it was not asked for (review_scans=0)"),
            seed=0,
        )
        return made._replace(**replaced)

    return build
