import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.change.measure import evaluate_change
from clinimcl.evaluation.review.perturbations import Perturbation
from clinimcl.evaluation.review.robustness import ChangeTest, RobustnessInputs, first_losses, loss_sentence, robustness
from clinimcl.evaluation.statistics.metrics import Absent


def drowned(array, strength, generator):
    return (1 - strength) * array + strength * generator.normal(size=array.shape)


DROWNED = Perturbation("drowned", "share", (0.0, 1.0), drowned, "mixed with noise")


def of_people(subjects: int = 20, dimensions: int = 12) -> RobustnessInputs:
    """Three sessions of each, whose arrays are their person's and are embedded as they are."""
    rng = np.random.default_rng(0)
    scans = pd.DataFrame(
        {
            "subject": np.repeat([f"s{number}" for number in range(subjects)], 3),
            "session": np.tile(list("abc"), subjects),
        }
    )
    arrays = np.repeat(rng.normal(size=(subjects, dimensions)), 3, axis=0).reshape(-1, 1, 1, dimensions)

    def embed(changed):
        return np.stack([changed(number, array).ravel() for number, array in enumerate(arrays)]).astype(float)

    return RobustnessInputs(scans, embed, [DROWNED], None, 0, 0)


def test_strength_0_of_a_damage_reaches_what_undamaged_scans_reach():
    curves = robustness(of_people()).curves
    assert curves["value"].tolist()[:2] == [1.0, 1.0] and curves["difference"].iloc[1] == 0


def test_full_damage_leaves_chance_and_the_loss_is_told():
    found = robustness(of_people())
    assert found.curves["value"].iloc[2] < 0.2 and found.curves["difference_high"].iloc[2] < 0
    assert first_losses(found.curves) == {"drowned": "1 share"}
    assert "lower than with undamaged scans from drowned of 1 share on" in loss_sentence(found.curves)


def test_where_nothing_is_lost_that_is_said():
    curves = robustness(of_people()).curves.iloc[:2]
    assert "o loss can be told of drowned" in loss_sentence(curves)


@pytest.mark.parametrize("subjects", [1, 2, 4])
def test_fewer_than_5_subjects_are_too_few(subjects):
    found = robustness(of_people(subjects))
    assert isinstance(found, Absent)


def test_how_many_are_too_few_is_said():
    said = Absent("4 test subjects are too few: at least 5 are needed")
    assert robustness(of_people(4)) == said


def of_change(given, ask) -> RobustnessInputs:
    inputs = given()
    vectors = inputs.embeddings

    def embed(changed):
        return np.stack([changed(number, row.reshape(1, 1, -1)).ravel() for number, row in enumerate(vectors)])

    return RobustnessInputs(inputs.scans, embed, [DROWNED], ChangeTest(inputs, ask), 0, 0)


def by_score(earlier, later):
    """Knows the rule: the first dimension is the score less 20."""
    change = 1 + np.sign(np.where(np.abs(later - earlier)[:, 0] >= 2.99, (later - earlier)[:, 0], 0)).astype(int)
    return np.eye(3)[change]


def test_undamaged_balanced_accuracy_is_that_of_the_evaluation(given):
    inputs = of_change(given, by_score)
    pairs = inputs.change.inputs.test
    ends = (inputs.change.inputs.embeddings[pairs[name]] for name in ("earlier", "later"))
    evaluated = evaluate_change(inputs.change.inputs._replace(probabilities=by_score(*ends)), seed=0)
    found = robustness(inputs)
    expected = evaluated.metrics["balanced_accuracy"]
    assert found.metric == "balanced_accuracy"
    assert found.curves[["value", "low", "high"]].iloc[0].tolist() == pytest.approx(list(expected[:3]))


def test_only_the_later_scan_is_damaged(given):
    seen = []

    def ask(earlier, later):
        seen.append((earlier, later))
        return by_score(earlier, later)

    robustness(of_change(given, ask))
    np.testing.assert_array_equal(seen[0][0], seen[-1][0])
    assert not np.allclose(seen[0][1], seen[-1][1])
