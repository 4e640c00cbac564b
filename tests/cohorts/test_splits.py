import hashlib
import json

import pandas as pd
import pytest

from clinimcl.cohorts.splits import Splitting, assign, check, check_unmoved, read_sides, require_pairs, sides, told
from clinimcl.errors import UserError


def splitting(**changes: object) -> Splitting:
    fields = {"by": "subject", "stratify": [], "validation": 0.1, "test": 0.2, "seed": 0}
    return Splitting(**(fields | changes))  # type: ignore[arg-type]


def scans(subjects: int, sessions: int = 2, **columns: object) -> pd.DataFrame:
    rows = [(f"S{subject}", f"d{session}") for subject in range(subjects) for session in range(sessions)]
    return pd.DataFrame(rows, columns=["subject", "session"]).assign(**columns)


def members(split: pd.DataFrame) -> dict[str, str]:
    return dict(split[["subject", "split"]].drop_duplicates().to_numpy())


def test_shares_are_about_what_was_asked():
    shares = assign(scans(3000, 1), splitting(), None)["split"].value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({"train": 0.7, "validation": 0.1, "test": 0.2}, abs=0.03)


def test_subjects_are_counted_by_split():
    split = ["train", "train", "train", "train", "test", "test"]
    assert told(scans(3).assign(split=split)) == "subjects: 2 train, 0 validation, 1 test"


def test_a_subject_is_in_one_split():
    assert assign(scans(100), splitting(), None).groupby("subject")["split"].nunique().eq(1).all()


def test_the_division_is_the_same_on_every_machine():
    found = members(assign(scans(12), splitting(), None))
    assert [name for name, split in found.items() if split == "test"] == ["S0", "S3", "S9"]


def test_adding_subjects_moves_no_other():
    few, many = (members(assign(scans(count), splitting(), None)) for count in (150, 300))
    assert few.items() <= many.items()


def test_another_seed_divides_otherwise():
    one, other = (members(assign(scans(100), splitting(seed=seed), None)) for seed in (0, 1))
    assert one != other


def test_no_wanted_split_is_empty_in_a_small_cohort():
    for seed in range(10):
        found = assign(scans(3), splitting(seed=seed), None)["split"]
        assert set(found) == {"train", "validation", "test"}


def test_an_unwanted_split_stays_empty():
    assert set(assign(scans(50), splitting(test=0.0), None)["split"]) == {"train", "validation"}


def test_every_subject_is_tested_in_exactly_one_fold():
    tested = [
        name
        for fold in range(5)
        for name, split in members(assign(scans(60), splitting(), fold)).items()
        if split == "test"
    ]
    assert sorted(tested) == sorted({f"S{index}" for index in range(60)})


def test_the_next_fifth_validates():
    validates = members(assign(scans(60), splitting(), 0))
    tests = members(assign(scans(60), splitting(), 1))
    assert {n for n, s in validates.items() if s == "validation"} == {n for n, s in tests.items() if s == "test"}


def test_a_fold_beyond_four_is_refused():
    with pytest.raises(UserError, match=r"cohort.fold must be 0 to 4, got 5"):
        assign(scans(60), splitting(), 5)


def test_a_fold_with_nobody_to_test_is_refused():
    with pytest.raises(UserError, match=r"leaves nothing for"):
        assign(scans(2), splitting(), 0)


def test_stratified_splits_keep_the_mix():
    sex = ["F" if index // 2 % 10 == 0 else "M" for index in range(400)]  # a tenth are women
    split = assign(scans(200, sex=sex), splitting(stratify=["sex"]), None)
    women = split[split["sex"] == "F"].drop_duplicates("subject")["split"].value_counts()
    assert women.to_dict() == {"train": 14, "test": 4, "validation": 2}


def test_numbers_are_stratified_by_quartile():
    age = [float(index // 2) for index in range(400)]
    split = assign(scans(200, age=age), splitting(stratify=["age"]), None)
    oldest = split[split["age"] >= 150].drop_duplicates("subject")["split"].value_counts()
    assert oldest.to_dict() == {"train": 35, "test": 10, "validation": 5}


def test_stratified_folds_are_even():
    split = assign(scans(50, sex=["F", "M"] * 50), splitting(stratify=["sex"]), 3)
    assert split.drop_duplicates("subject")["split"].value_counts().to_dict() == {
        "train": 30,
        "validation": 10,
        "test": 10,
    }


def test_an_unknown_column_is_named_with_those_there_are():
    with pytest.raises(UserError, match=r"column weight.*there are session, sex"):
        assign(scans(9, sex="F"), splitting(stratify=["weight"]), None)


def test_whole_sites_go_to_one_split():
    split = assign(scans(100, site=[f"site{index // 2 % 10}" for index in range(200)]), splitting(by="site"), None)
    assert split.groupby("site")["split"].nunique().eq(1).all()
    assert set(split["split"]) == {"train", "validation", "test"}


def test_sites_that_share_a_subject_stay_together():
    site = [f"site{index // 2 % 10}" for index in range(200)]
    site[1] = "site5"  # S0 was scanned at site0, then at site5
    split = assign(scans(100, site=site), splitting(by="site"), None)
    check(split)
    assert split.loc[split["site"].isin(["site0", "site5"]), "split"].nunique() == 1


def test_too_few_sites_are_refused():
    with pytest.raises(UserError, match=r"needs at least 3 sites.*got 1"):
        assign(scans(10, site="HH"), splitting(by="site"), None)


def test_a_missing_site_is_counted():
    with pytest.raises(UserError, match=r"2 of 20 have none"):
        assign(scans(10, site=[None, None, *["HH"] * 18]), splitting(by="site"), None)


def test_a_column_can_say_who_is_where():
    part = ["train"] * 4 + ["test"] * 2
    assert assign(scans(3, part=part), splitting(by="part"), None)["split"].tolist() == part


def test_a_column_with_other_words_is_refused():
    with pytest.raises(UserError, match=r"train, validation or test; 2 of 6.*'dev'"):
        assign(scans(3, part=["train"] * 4 + ["dev"] * 2), splitting(by="part"), None)


def test_a_fold_without_effect_is_refused():
    with pytest.raises(UserError, match=r"have no effect"):
        assign(scans(3, part="train"), splitting(by="part"), 1)


def test_shares_must_leave_someone_to_train():
    with pytest.raises(UserError, match=r"leave something to train on, got 0.5 and 0.5"):
        splitting(validation=0.5, test=0.5)


def test_a_subject_on_both_sides_stops_the_run_with_counts():
    with pytest.raises(UserError, match=r"3 subjects are in both train and test") as error:
        check(scans(5, split=["train", "test"] * 3 + ["train"] * 4))
    assert "S0" not in str(error.value)


def test_an_equal_file_on_both_sides_stops_the_run_with_counts():
    table = scans(2, 1, split=["train", "test"], content=["c0ffee", "c0ffee"])
    with pytest.raises(UserError, match=r"1 file, equal byte for byte, is in both train and test"):
        check(table)


def test_files_that_could_not_be_read_are_not_equal():
    assert check(scans(2, 1, split=["train", "test"], content=["", None])) is None


def test_an_equal_file_within_a_split_is_no_leak():
    assert check(scans(2, 2, split="train", content=["a", "b", "b", "b"])) is None


def test_pairs_need_two_sessions_of_somebody():
    with pytest.raises(UserError, match=r"no train subject has two sessions: 4 usable scans of 4 subjects"):
        require_pairs(scans(4, 1), "train")
    assert require_pairs(scans(1, 2), "train") is None


def test_a_subject_that_changed_sides_is_counted():
    before = sides(scans(3, 1, split=["train", "test", "test"]), "salt")
    with pytest.raises(UserError, match=r"2 subjects are in another split"):
        check_unmoved(scans(3, 1, split=["test", "train", "test"]), before)


def test_new_subjects_change_no_sides():
    before = sides(scans(2, 1, split=["train", "test"]), "salt")
    assert check_unmoved(scans(3, 1, split=["train", "test", "test"]), before) is None


def test_sides_are_kept_without_names_and_two_salts_have_no_digest_in_common():
    one, other = (sides(scans(5, 1, split="train"), salt).subjects for salt in ("a", "b"))
    assert not any("S0" in subject for subject in one)
    assert len(one) == len(one | other) - len(other) == 5
    assert list(one) == sorted(one)


def test_sides_of_before_there_were_salts_are_still_read(tmp_path):
    (tmp_path / "splits.json").write_text(json.dumps({hashlib.sha256(b"S0").hexdigest()[:16]: "test"}))
    before = read_sides(tmp_path / "splits.json")
    with pytest.raises(UserError, match=r"1 subjects are in another split"):
        check_unmoved(scans(1, 1, split="train"), before)
