import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from clinimcl.evaluation.groups.comparison import LEAST, Difference
from clinimcl.evaluation.groups.context import group_context
from clinimcl.evaluation.groups.measure import compare, evaluate_groups, extremes
from clinimcl.evaluation.groups.wording import CAVEAT
from clinimcl.evaluation.statistics.metrics import Absent, Metric

RNG = np.random.default_rng(0)


def sites(sizes: dict[str | None, int]) -> list[str | None]:
    return [site for site, size in sizes.items() for _ in range(size)]


def test_groups_of_too_few_people_are_counted_and_have_no_value(headline):
    site = sites({"A": LEAST, "B": LEAST, "C": LEAST - 1, "D": 1})
    found = compare(headline(RNG.normal(size=len(site)), list(range(len(site))), site=site), "site", {}, 0)
    assert [own.n_subjects for own in found.groups.values()] == [10, 10, 9, 1]
    assert [isinstance(own.outcome, Metric) for own in found.groups.values()] == [True, True, False, False]
    assert found.difference.n_subjects == 20


def test_unknown_people_are_counted_and_never_best_or_worst(headline):
    site = sites({"A": 20, "B": 20, None: 20})
    value = RNG.normal(size=60) + np.repeat([0, 1, 100], 20)
    found = compare(headline(value, list(range(60)), site=site), "site", {}, 0)
    assert found.unknown.n_subjects == 20
    assert (found.difference.worst, found.difference.best) == ("B", "A")


def test_people_are_counted_and_not_their_scans(headline):
    site = sites({"A": 40, "B": 40})
    found = compare(headline(RNG.normal(size=80), [row // 10 for row in range(80)], site=site), "site", {}, 0)
    assert found.groups["A"].n_subjects == 4 and isinstance(found.difference, Absent)


def test_one_group_has_no_gap_and_a_reason(headline):
    found = compare(headline(RNG.normal(size=20), list(range(20)), site=sites({"A": 20})), "site", {}, 0)
    assert found.difference == Absent("all items whose group is known are of one")


def test_the_groups_of_the_label_itself_have_a_gap_and_no_p(headline):
    one = headline(RNG.normal(size=40), list(range(40)), site=sites({"A": 20, "B": 20}))
    found = compare(one._replace(judged_by="site"), "site", {}, 0)
    assert isinstance(found.difference, Difference) and found.difference.p is None
    assert "label" in found.difference.untested


def test_pairs_of_two_people_have_values_and_no_p(headline):
    one = headline(RNG.normal(size=40), list(range(40)), site=sites({"A": 20, "B": 20}))
    two = one._replace(values=one.values._replace(other=np.roll(one.values.other, 1)))
    found = compare(two, "site", {}, 0)
    assert isinstance(found.groups["A"].outcome, Metric) and found.difference.p is None


def test_a_group_without_one_of_the_classes_has_no_balanced_accuracy(headline):
    one = headline(np.ones(40), list(range(40)), "high", site=sites({"A": 20, "B": 20}))
    of_class = np.array([0, 1] * 10 + [0] * 20)
    found = compare(one._replace(values=one.values._replace(of_class=of_class)), "site", {}, 0)
    assert found.groups["B"].outcome == Absent("one of the classes has no item here")


@pytest.mark.parametrize(
    ("aim", "values", "ends"),
    [
        ("high", [0.2, 0.9, 0.5], (0, 1)),
        ("low", [0.2, 0.9, 0.5], (1, 0)),
        ("zero", [-2.0, 1.0, 0.1], (0, 1)),
        ("zero", [-1.0, 2.0, 0.1], (1, 0)),
    ],
)
def test_which_end_is_worst_depends_on_what_is_good(aim, values, ends):
    assert extremes(aim, values) == ends


def everything(headline, seed=0):
    site, sex = sites({"A": 30, "B": 30}), ["F", "M"] * 30
    scans = {"site": site, "sex": sex}
    ones = [headline(RNG.normal(size=60) + np.repeat([0, size], 30), list(range(60)), **scans) for size in (0, 1, 2)]
    headlines = [own._replace(name=f"probe_{place}") for place, own in enumerate(ones)]
    table = pd.DataFrame({"subject": [f"S{row}" for row in range(60)], "split": "test", **scans})
    return headlines, table, evaluate_groups(headlines, table, ["sex", "site"], seed)


def test_p_values_are_corrected_for_all_groupings_and_headlines(headline):
    found = everything(headline)[2]
    p = [own.difference.p for own in found.comparisons]
    expected = multipletests(p, method="holm")[1]
    assert [own.difference.p_holm for own in found.comparisons] == pytest.approx(expected)
    assert [own.headline for own in found.alarms][-1:] != ["probe_0"]


def test_the_same_seed_gives_the_same_numbers(headline):
    headlines, table, found = everything(headline)
    assert evaluate_groups(headlines, table, ["sex", "site"], 0) == found


def test_a_difference_is_said_in_a_sentence(headline):
    notes = everything(headline)[2].notes
    assert "differs by site: worst B" in notes[0] and "after Holm" in notes[0]


def test_subjects_who_have_another_class_in_each_group_leave_a_gap_without_p(headline):
    subject, group = np.repeat(np.arange(24), 2), np.tile([0, 1], 24)
    one = headline(RNG.integers(2, size=48), subject.tolist(), "high", site=group.astype(str))
    one = one._replace(values=one.values._replace(of_class=(group + subject) % 2))
    table = pd.DataFrame({"subject": ["a"], "split": ["test"], "site": ["0"]})
    found = evaluate_groups([one], table, ["site"], 0)
    difference = found.comparisons[0].difference
    assert difference.p is None and "same classes" in difference.untested
    assert "for none can it be told" in found.notes[0]


def test_values_that_one_side_alone_has_are_said(headline):
    one = headline(RNG.normal(size=60), list(range(60)), site=sites({"A": 30, "B": 30}))
    split = ["test"] * 60 + ["train"] * 3
    site = [*sites({"A": 30, "B": 30}), "C", "C", "E"]
    table = pd.DataFrame({"subject": [str(row) for row in range(63)], "site": site, "split": split})
    notes = " ".join(evaluate_groups([one], table, ["site"], 0).notes)
    assert "in training only, not tested: C (2 subjects), one with one subject." in notes
    assert "in the test only, not trained on: A (30 subjects), B (30 subjects)." in notes


def test_where_nothing_is_compared_neither_gaps_nor_their_caveat_are_shown(headline):
    one = headline(RNG.normal(size=8), list(range(8)), site=sites({"A": 4, "B": 4}))
    table = pd.DataFrame({"subject": list("abcdefgh"), "site": sites({"A": 4, "B": 4}), "split": "test"})
    found = evaluate_groups([one], table, ["site"], 0)
    assert found.notes[0].endswith("nothing is compared.") and CAVEAT not in found.notes
    assert group_context(found)["gaps"] == []


def test_a_column_that_nobody_has_is_said(headline):
    one = headline(RNG.normal(size=20), list(range(20)))
    table = pd.DataFrame({"subject": ["a"], "split": ["test"]})
    assert "By scanner nothing can be said" in " ".join(evaluate_groups([one], table, ["scanner"], 0).notes)
