"""What the rows that learn are trained on."""

import numpy as np
import pandas as pd
import pytest

from clinimcl.cohorts.change import ChangeRule
from clinimcl.data.change_pairs import ChangePairs
from clinimcl.evaluation.change.answers import answers_of
from clinimcl.evaluation.change.baselines import LEARNED, WITH_IMAGES, predictions
from clinimcl.evaluation.change.inputs import ChangeInputs, check
from clinimcl.evaluation.change.notes import taught
from clinimcl.evaluation.statistics.logistic import binned
from clinimcl.runs.change_inputs import alike_pairs

RULE = ChangeRule("better", 3.0, ())


def regressing(visits: int = 2, test: str = "auto", train: str = "inter") -> ChangeInputs:
    """80 people train, 80 are tested, of whom half are well: each visit is the mean of their half, with noise.

    Training people have that many visits, 2 are tested. Two zones a visit.
    """
    rng = np.random.default_rng(0)
    scans = pd.DataFrame(
        {
            "subject": f"S{person:03}",
            "session": f"M{visit}",
            "day": 365.0 * visit,
            "zone": zone,
            "score": 15.0 * (person % 2) + 10,
            "age": 70.0,
            "sex": "F",
            "site": "1",
            "split": "train" if person < 80 else "test",
        }
        for person in range(160)
        for visit in range(visits if person < 80 else 2)
        for zone in ("L", "R")
    )
    noise = rng.normal(scale=3.0, size=len(scans) // 2).repeat(2)
    scans["score"] = (scans["score"] + noise).round().clip(0, 30)
    pairs = ChangePairs(per_scan=3, match=(), train=train, test=test, seed=0)
    training = pairs.learned(scans, "train", RULE)
    kind, tested = pairs.tested(scans, RULE)
    return ChangeInputs(
        scans=scans,
        embeddings=rng.normal(size=(len(scans), 2)),
        predicted=None,
        pixels=rng.normal(size=(len(scans), 2)),
        truth=None,
        train=training,
        alike=alike_pairs(scans, RULE, kind, training),
        test=tested,
        probabilities=np.full((len(tested), 3), 1 / 3),
        swapped=np.full((len(tested), 3), 1 / 3),
        kind=kind,
        rule=RULE,
        tuned=False,
        refit=None,
    )


def recall(inputs: ChangeInputs, row: str) -> float:
    """Balanced accuracy."""
    answers = answers_of(inputs)
    answered = predictions(inputs, answers)[row]
    assert isinstance(answered, np.ndarray)
    return float(np.mean([(answered[answers.change == number] == number).mean() for number in range(3)]))


def test_earlier_score_finds_regression_to_the_mean():
    inputs = regressing()
    assert recall(inputs, "earlier_score") > 0.5
    assert recall(inputs._replace(alike=inputs.train), "earlier_score") < 0.4


@pytest.mark.parametrize("test", ["intra", "inter", "zone"])
def test_pairs_that_teach_are_of_the_tested_kind_and_of_nobody_tested(test: str):
    inputs = regressing(test=test)
    check(inputs)
    scans = inputs.scans
    earlier, later = (scans.iloc[inputs.alike[name]].reset_index(drop=True) for name in ("earlier", "later"))
    assert len(earlier)
    assert {*earlier["split"], *later["split"]} == {"train"}
    assert (earlier["subject"].eq(later["subject"]) == (test != "inter")).all()
    assert (earlier["zone"].ne(later["zone"]) == (test == "zone")).all()


def test_pairs_of_who_is_tested_teach_nobody():
    inputs = regressing()
    with pytest.raises(AssertionError, match="80 subjects are in both training and test pairs"):
        check(inputs._replace(alike=inputs.test))


def test_training_people_seen_once_leave_the_classifiers_pairs_and_that_is_said():
    inputs = regressing(visits=1)
    assert inputs.alike.empty
    said = "trained on the classifier's 480 pairs, since of the tested kind training subjects have none here"
    assert said in taught(inputs)
    rows, same = (predictions(each, answers_of(inputs)) for each in (inputs, inputs._replace(alike=inputs.train)))
    assert all(np.array_equal(rows[name], same[name]) for name in LEARNED)


def test_one_pair_of_a_second_class_is_too_few():
    inputs = regressing()
    one = inputs.alike.assign(change=[0, *[1] * (len(inputs.alike) - 1)])
    assert f"have {len(one)} here, and 2 of each of 2 classes are needed" in taught(inputs._replace(alike=one))


def test_what_taught_is_said():
    inputs = regressing()
    assert taught(inputs) == (
        "The rows that learn were trained on 160 pairs of the tested kind, of training subjects; those that see images "
        "as much on the classifier's 960."
    )
    never = taught(inputs._replace(alike=inputs.alike[inputs.alike["change"] != 2]))
    assert never.endswith("is improved, so that rows without images never answer it.")


@pytest.mark.parametrize("kind", ["intra", "inter"])
def test_classifier_trained_on_the_tested_kind_shares_its_pairs(kind: str):
    inputs = regressing(test=kind, train=kind)
    assert taught(inputs).endswith("pairs, which are of the tested kind.")


def test_only_rows_with_images_learn_from_the_classifiers_pairs():
    inputs = regressing()
    fewer = inputs._replace(train=inputs.train[::7])
    rows, other = (predictions(each, answers_of(inputs)) for each in (inputs, fewer))
    assert {name for name in LEARNED if not np.array_equal(rows[name], other[name])} == set(WITH_IMAGES)


def test_bins_are_of_training_values_alone():
    train = np.arange(80.0)[:, None]
    own, tested = binned(train, np.array([[-5.0], [1000.0]]))
    assert own.shape == (80, 9)
    assert own[:, 1:].sum(axis=0).tolist() == [10] * 8
    assert tested.tolist() == [[-5, 1, 0, 0, 0, 0, 0, 0, 0], [1000, 0, 0, 0, 0, 0, 0, 0, 1]]


def test_values_at_a_ceiling_share_a_bin():
    own, _ = binned(np.array([[20.0], *[[30.0]] * 9]), np.zeros((0, 1)))
    assert own.shape[1] == 3
    assert (own[1:] == own[1]).all()


def test_scores_that_differ_by_the_rounding_of_decimals_are_in_one_bin():
    scores = np.array([0.1 + 0.2, 0.3, 0.5, 0.4 + 0.1, 0.7, 0.7, 0.9, 0.9])[:, None]
    own, _ = binned(scores, scores)
    assert (own[0, 1:] == own[1, 1:]).all()
    assert (own[2, 1:] == own[3, 1:]).all()


def test_a_value_that_equals_an_edge_but_for_rounding_lies_above_it():
    train = np.array([[0.1], [0.2], [0.1 + 0.2], [0.3], [0.3], [0.4]])
    own, tested = binned(train, np.array([[0.3], [0.1 + 0.2]]))
    assert (own[2:5, 1:] == own[2, 1:]).all()
    assert (tested[0, 1:] == tested[1, 1:]).all()
