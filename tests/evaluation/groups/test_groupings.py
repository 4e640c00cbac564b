import numpy as np
import pandas as pd
import pytest

from clinimcl.errors import UserError
from clinimcl.evaluation.groups.groupings import (
    Bands,
    available,
    bands_of,
    carrying,
    check_groups,
    intervals,
    labels_of,
    thirds,
)
from clinimcl.evaluation.statistics.metrics import Absent


def test_bands_are_thirds_of_the_training_values():
    assert thirds(np.arange(1.0, 10.0)).edges == pytest.approx(np.quantile(range(1, 10), [1 / 3, 2 / 3]), rel=1e-2)


def test_thirds_of_years_are_not_rounded_into_one():
    years = np.repeat(np.arange(2011.0, 2020.0), 30)
    assert thirds(years).labels(pd.Series(years)).value_counts().tolist() == [90, 90, 90]


def test_an_edge_that_two_thirds_share_falls_away():
    assert thirds(np.array([0.0] * 5 + [0.5] * 3 + [1.0])).edges == (0.5,)
    assert thirds(np.array([30.0] * 9)).names == ["all"]


def test_a_value_on_an_edge_lies_above_it():
    labels = Bands((60.0, 70.0), " years").labels(pd.Series([59.9, 60.0, 70.0, np.nan]))
    assert labels.fillna("?").tolist() == ["below 60 years", "60 to 70 years", "70 and more years", "?"]


def test_a_value_beneath_an_edge_by_rounding_alone_lies_above_it():
    assert 0.7 - 0.4 < 0.3
    assert Bands((0.3,)).labels(pd.Series([0.7 - 0.4, 0.29])).tolist() == ["0.3 and more", "below 0.3"]


def test_edges_below_0_have_a_true_minus():
    assert Bands((-1.5, 2.0)).names == ["below −1.5", "−1.5 to 2", "2 and more"]


def test_training_people_alone_say_where_bands_end():
    scans = pd.DataFrame({"subject": ["a", "b", "c"], "session": "1", "day": 0.0, "age": [1.0, 2.0, 3.0]})
    assert bands_of(scans, ["age", "site"])["age"] == thirds(np.array([1.0, 2.0, 3.0]), " years")


def test_intervals_are_those_of_all_two_sessions_of_one_person():
    scans = pd.DataFrame({"subject": ["a", "a", "a", "b"], "session": list("1231"), "day": [0, 365.25, 1461, 9]})
    assert sorted(intervals(scans)) == pytest.approx([1, 3, 4])


def test_intervals_of_days_are_named_by_days_and_their_edges_stay_years():
    scans = pd.DataFrame({"subject": "a", "session": list("1234"), "day": [0.0, 3, 7, 14]})
    bands = bands_of(scans, ["interval"])["interval"]
    assert bands.names == ["below 6 days", "6 to 8.33 days", "8.33 and more days"]
    assert max(bands.edges) < 0.03
    assert bands.labels(pd.Series([1 / 365.25, 14 / 365.25])).tolist() == [bands.names[0], bands.names[-1]]


def test_further_numbers_are_banded_and_few_of_them_are_names():
    scans = pd.DataFrame({"education": [str(years) for years in range(9)], "race": ["1", "2"] * 4 + ["1"]})
    assert set(bands_of(scans, ["education", "race"])) == {"education"}


def test_sites_are_names_whatever_their_numbers():
    assert bands_of(pd.DataFrame({"site": [str(number) for number in range(40)]}), ["site"]) == {}


def test_a_pair_across_scanners_is_mixed_and_an_unknown_one_of_no_group(headline):
    one = headline([0, 0, 0], [0, 1, 2], scanner=["X", "X", None])
    pair = one._replace(later=one.later.assign(scanner=["X", "Y", "Y"]))
    assert labels_of(pair, "scanner", {}).fillna("?").tolist() == ["X", "mixed", "?"]


def test_the_age_of_a_pair_is_that_of_its_earlier_scan(headline):
    pair = headline([0], [0], age=[60.0])._replace(later=pd.DataFrame({"subject": ["S0"], "age": [80.0]}))
    assert labels_of(pair, "age", {"age": Bands((70.0,))}).tolist() == ["below 70"]


def test_single_scans_have_no_interval(headline):
    assert isinstance(labels_of(headline([0], [0]), "interval", {"interval": Bands(())}), Absent)


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"subject": ["a", "b"], "path": ["p", "q"], "sex": ["F", "M"], **columns})


def test_a_grouping_that_is_not_there_gets_those_that_are():
    with pytest.raises(UserError, match=r"groups=race is no column .* sex, age, .*, rater$"):
        check_groups(table(rater=["x", None]), ["sex", "race"])


@pytest.mark.parametrize("name", ["subject", "path"])
def test_groups_of_single_people_are_refused(name):
    with pytest.raises(UserError, match=f"groups={name} would name single people"):
        check_groups(table(), [name])


@pytest.mark.parametrize("values", [["a", "b"], ["JANE", "JOHN"]])
def test_a_column_that_names_each_subject_is_neither_offered_nor_taken(values):
    with pytest.raises(UserError, match="groups=OASISID would name single people"):
        check_groups(table(OASISID=values), ["OASISID"])
    assert "OASISID" not in available(table(OASISID=values))


def test_a_grouping_that_is_named_twice_is_refused():
    with pytest.raises(UserError, match="each grouping once, got sex, sex"):
        check_groups(table(), ["sex", "sex"])


def test_an_empty_further_column_is_not_available():
    assert "rater" not in available(table(rater=[None, None]))


def test_the_cohort_is_asked_for_further_columns_alone():
    assert carrying({"root": "r"}, ["sex", "race", "modality"]) == {"root": "r", "groups": ["race"]}
    assert carrying({"root": "r"}, ["sex", "age"]) == {"root": "r"}
