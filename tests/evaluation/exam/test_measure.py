import numpy as np
import pytest

from clinimcl.evaluation.exam.measure import examine
from clinimcl.evaluation.statistics.metrics import Absent

SPLITS = {"splits": 3, "least": 10}


def alone(items):
    """Without groups."""
    return items._replace(groups=items.groups[[]])


def test_noise_is_called_chance_as_often_as_the_interval_says(sample):
    """A small part of experiments/exam_intervals."""
    found = [examine(alone(sample(seed, subjects=30)), seed=seed, **SPLITS).metrics for seed in range(24)]
    for name in ("auroc", "macro_f1"):
        held = [one[name].low <= one[name].chance <= one[name].high for one in found]
        assert np.mean(held) >= 0.93


def test_what_the_embedding_shows_is_told_from_chance(sample):
    found = examine(sample(0, effect=2.0), seed=0, **SPLITS).metrics["auroc"]
    assert found.low > 0.7
    assert (found.n_items, found.chance) == (found.n_subjects, 0.5)


def test_the_same_seed_gives_the_same_numbers(sample):
    one, again, other = (examine(sample(0), seed=seed, **SPLITS).metrics for seed in (0, 0, 1))
    assert one == again
    assert one["auroc"] != other["auroc"]


def test_the_levels_of_macro_f1_are_those_of_guessing_and_of_one_answer(sample):
    found = examine(sample(0), seed=0, **SPLITS).metrics["macro_f1"]
    assert found.chance == pytest.approx(1 / 3)
    assert found.majority == pytest.approx((2 / 3) / (4 / 3) / 3)


def test_other_embeddings_have_the_same_splits_and_a_paired_difference(sample):
    items = sample(0, effect=2.0)
    noise = np.random.default_rng(1).normal(size=(60, 4))
    both = items._replace(vectors=items.vectors | {"beside": noise})
    found = examine(both, seed=0, **SPLITS).metrics
    assert found["auroc"] == examine(items, seed=0, **SPLITS).metrics["auroc"]
    assert found["auroc_minus_beside"].value == pytest.approx(found["auroc"].value - found["beside_auroc"].value)
    assert found["auroc_minus_beside"].low > 0.1


def test_the_same_embeddings_twice_do_not_differ(sample):
    items = sample(0, effect=1.0)
    both = items._replace(vectors=items.vectors | {"beside": items.vectors["embeddings"]})
    found = examine(both, seed=0, **SPLITS).metrics["auroc_minus_beside"]
    assert found.value == 0.0
    assert found.low < 0 < found.high


def test_a_sex_whose_embeddings_are_noise_is_found_and_told_from_chance(sample):
    items = sample(0, subjects=180, effect=3.0)
    vectors = items.vectors["embeddings"].copy()
    women = items.groups["sex"].to_numpy() == "0"
    vectors[women] = np.random.default_rng(1).normal(size=(90, 6))
    found = examine(items._replace(vectors={"embeddings": vectors}), seed=0, **SPLITS)
    fairness = found.metrics["fairness_auroc"]
    assert fairness.high < fairness.chance
    table = found.groups.query("metric == 'auroc'").set_index("group")
    assert table.loc["0", "high"] < table.loc["1", "low"]


def test_without_two_groups_there_is_no_fairness(sample):
    items = sample(0)
    found = examine(items._replace(groups=items.groups.assign(sex="F")), seed=0, **SPLITS)
    assert isinstance(found.metrics["fairness_auroc"], Absent)
    assert found.notes == ["sex has no two groups to compare."]


def test_a_group_that_no_label_varies_in_has_a_reason(sample):
    items = sample(0)
    groups = items.groups.assign(sex=np.where(items.label == 0, "a", "b"))
    found = examine(items._replace(groups=groups), seed=0, **SPLITS).groups.set_index(["metric", "group"])
    assert "no class has 2 tested subjects" in found.loc[("auroc", "a"), "absent"]
    assert found.loc[("auroc", "b"), "absent"] == ""
