from collections.abc import Callable

import numpy as np

from clinimcl.evaluation.probes.inputs import ProbeInputs
from clinimcl.evaluation.probes.label_efficiency import SHARES, items_drawn, labelled
from clinimcl.evaluation.probes.measure import evaluate_probes
from clinimcl.evaluation.probes.targets import Items, items_of
from clinimcl.evaluation.statistics.metrics import Metric

Given = Callable[..., ProbeInputs]


def items(given: Given) -> Items:
    found = items_of(given().scans, "diagnosis")
    assert isinstance(found, Items)
    return found


def test_whole_subjects_of_the_training_split_are_drawn(given: Given):
    own = items(given)
    chosen = items_drawn(own, subjects=6, draw=0, seed=0)
    assert own.train[chosen].all()
    assert len(set(own.subject[chosen])) == 6
    assert np.isin(own.subject, own.subject[chosen]).sum() == len(chosen)


def test_two_subjects_are_one_of_each_class(given: Given):
    own = items(given)
    for draw in range(5):
        assert set(own.label[items_drawn(own, 2, draw, seed=0)]) == {0.0, 1.0}


def test_a_share_is_of_subjects_and_at_least_two(given: Given):
    assert [labelled(items(given), share) for share in SHARES] == [2, 3, 6, 60]


def test_all_labels_give_the_probe_itself_and_fewer_give_less(given: Given):
    probes = evaluate_probes(given(), seed=0)
    own = probes.curve[(probes.curve["encoder"] == "trained") & (probes.curve["metric"] == "auc")].set_index("share")
    whole = probes.metrics["probe_diagnosis_auc"]
    assert isinstance(whole, Metric)
    assert own.loc[1.0, ["value", "low", "high"]].tolist() == list(whole[:3])
    assert own.loc[0.01, "value"] < whole.value


def test_every_share_stands_for_both_encoders(given: Given):
    curve = evaluate_probes(given(subjects=30), seed=0).curve
    assert len(curve) == len(SHARES) * 2 * 3
    assert (curve["low"] <= curve["value"]).all() and (curve["value"] <= curve["high"]).all()
