import numpy as np
import pandas as pd
import pytest

from clinimcl.cohorts.change import ChangeRule
from clinimcl.data.change_pairs import ChangePairs, inter_pairs, intra_pairs, same_age, zone_pairs
from clinimcl.errors import UserError

RULE = ChangeRule("better", 1.0, ())


def scans(subjects: int = 6, sessions: int = 3, zones: tuple[str, ...] = ("",)) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    rows = [
        {
            "subject": f"s{subject}",
            "session": f"v{9 - session}",
            "day": 100.0 * session,
            "zone": zone,
            "score": float(generator.integers(0, 4)),
            "sex": "FM"[subject % 2],
            "age": 50.0 + 2 * subject,
            "split": "train" if subject else "test",
        }
        for subject in range(subjects)
        for session in range(sessions)
        for zone in zones
    ]
    return pd.DataFrame(rows)


def pairs(**changes) -> ChangePairs:
    return ChangePairs(**({"per_scan": 3, "match": [], "train": "inter", "test": "auto", "seed": 0} | changes))


def test_pairs_of_one_person_go_forward_in_time():
    table = scans()
    found = intra_pairs(table)
    assert len(found) == 6 * 3
    assert (table["day"].to_numpy()[found["earlier"]] < table["day"].to_numpy()[found["later"]]).all()
    assert (table["subject"].to_numpy()[found["earlier"]] == table["subject"].to_numpy()[found["later"]]).all()


def test_zones_of_two_sessions_are_one_answer():
    found = intra_pairs(scans(zones=("L1", "R1")))
    assert (found.groupby("answer").size() == 2).all()


def test_pairs_of_two_people_never_join_one_person_or_two_zones():
    table = scans(zones=("L1", "R1"))
    found = inter_pairs(table, 3, [], np.random.default_rng(0))
    for column, same in (("subject", False), ("zone", True)):
        values = table[column].to_numpy()
        assert ((values[found["earlier"]] == values[found["later"]]) == same).all()
    assert (found.groupby("earlier").size() == 3).all()


def test_matched_people_share_what_was_asked():
    table = scans(subjects=12)
    found = inter_pairs(table, 3, ["sex", "age"], np.random.default_rng(0))
    earlier, later = table.loc[found["earlier"]], table.loc[found["later"]]
    assert len(found) and (earlier["sex"].to_numpy() == later["sex"].to_numpy()).all()
    assert (np.abs(earlier["age"].to_numpy() - later["age"].to_numpy()) <= 5).all()


@pytest.mark.parametrize("seed", range(5))
def test_people_matched_by_site_share_it_and_a_missing_site_matches_nobody(seed):
    table = scans(subjects=20)
    site = np.random.default_rng(seed).choice(["A", "B", "C", None], size=20)
    table = table.assign(site=table["subject"].map(dict(zip(table["subject"].unique(), site, strict=True))))
    found = pairs(match=["site"], seed=seed).learned(table, "train", RULE)
    earlier, later = table.loc[found["earlier"]], table.loc[found["later"]]
    assert (earlier["site"].to_numpy() == later["site"].to_numpy()).all() and earlier["site"].notna().all()
    assert (earlier["subject"].to_numpy() != later["subject"].to_numpy()).all()
    assert found["earlier"].nunique() == ((table["split"] == "train") & table["site"].notna()).sum()


def test_zone_pairs_stay_within_a_session():
    table = scans(zones=("L1", "R1", "R2"))
    found = zone_pairs(table)
    assert len(found) == 6 * 3 * 3
    assert (table["session"].to_numpy()[found["earlier"]] == table["session"].to_numpy()[found["later"]]).all()


def test_no_training_pair_holds_a_test_subject():
    table = scans()
    found = pairs(train="both").learned(table, "train", RULE)
    assert set(table["subject"].to_numpy()[found[["earlier", "later"]].to_numpy().ravel()]) == {
        f"s{n}" for n in range(1, 6)
    }


def test_the_same_seed_draws_the_same_pairs():
    assert pairs().learned(scans(), "train", RULE).equals(pairs().learned(scans(), "train", RULE))


def test_without_second_sessions_other_people_s_pairs_are_tested_and_it_is_said():
    table = scans(subjects=8, sessions=1).assign(split=["test"] * 4 + ["train"] * 4)
    assert pairs().tested(table, RULE)[0] == "inter-subject"
    assert pairs().tested(scans(), RULE)[0] == "intra-subject"


def test_scans_without_a_score_make_no_pair():
    table = scans()
    table.loc[table["split"] == "test", "score"] = np.nan
    with pytest.raises(UserError, match=r"no two of the \d+ test scans that have a score.* larger cohort.split.test"):
        pairs().tested(table, RULE)


def test_a_threshold_that_leaves_a_class_empty_is_refused():
    with pytest.raises(UserError, match="no training pair is deteriorated or improved"):
        pairs().learned(scans(), "train", ChangeRule("better", 99.0, ()))


def test_of_two_runs_of_a_session_one_counts():
    table = pd.concat([scans(), scans()], ignore_index=True)
    assert len(pairs(train="intra").learned(table, "train", RULE)) == 5 * 3


@pytest.mark.parametrize("wrong", [{"per_scan": 0}, {"train": "x"}, {"test": "x"}, {"match": ["x"]}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong)))):
        pairs(**wrong)


def test_ages_of_exactly_five_years_apart_match_whatever_their_last_bit():
    ages = np.arange(400, 900) / 10
    assert (ages + 5 - ages > 5).any()
    assert all(same_age(np.array([age]), age + 5)[0] for age in ages)
    assert not same_age(np.array([60.0, np.nan]), 65.1).any()
