import pandas as pd
import pytest

from clinimcl import reviewing
from clinimcl.settings import check_review


def scans(subjects: int = 10) -> pd.DataFrame:
    """Three scans of each."""
    return pd.DataFrame({"subject": [f"s{number // 3}" for number in range(3 * subjects)]})


@pytest.mark.parametrize(("most", "subjects"), [(0, 2), (9, 3), (11, 3), (30, 10), (99, 10)])
def test_as_many_subjects_are_chosen_as_have_no_more_scans_than_wanted(most, subjects):
    chosen = reviewing.chosen_subjects(scans(), most, seed=0)
    assert len(chosen) == len(set(chosen)) == subjects


def test_more_scans_add_subjects_and_take_none_away():
    few, many = (set(reviewing.chosen_subjects(scans(), most, seed=0)) for most in (9, 18))
    assert few < many


def test_pairs_are_those_both_of_whose_scans_are_there():
    pairs = pd.DataFrame({"earlier": [4, 4, 9], "later": [5, 7, 5], "change": [0, 1, 2]})
    kept = reviewing.renumbered(pairs, pd.DataFrame(index=[4, 5, 9]))
    assert kept.to_numpy().tolist() == [[0, 1, 0], [2, 1, 2]]


def test_without_test_scans_nobody_has_another_session():
    empty = pd.DataFrame({"subject": [], "session": []}, dtype=str)
    assert len(empty[reviewing.has_other_session(empty)]) == 0


def test_consecutive_pairs_are_the_first_two_sessions_in_time():
    table = pd.DataFrame(
        {"subject": ["a", "a", "a", "b"], "session": ["3", "1", "2", "1"], "day": [9.0, 0.0, 5.0, 0.0]}
    )
    assert reviewing.consecutive_pairs(table).to_numpy().tolist() == [[1, 2]]


def test_faces_need_consent_and_other_words_are_refused():
    check_review("faces", faces_consent=True)
    with pytest.raises(ValueError, match="set faces_consent=true if those who are pictured agreed"):
        check_review("faces", faces_consent=False)
    with pytest.raises(ValueError, match="review must be auto, off, faces, got yes"):
        check_review("yes", faces_consent=False)
