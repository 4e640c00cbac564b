import numpy as np
import pandas as pd
import pytest
import torch

from clinimcl.config.settings import check_review
from clinimcl.harmonisation.combat import fit_harmonisation, harmonise
from clinimcl.runs import reviewing


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


def test_what_the_classifier_reads_is_harmonised_as_it_was_at_training():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "subject": [f"s{number}" for number in range(60)],
            "scanner": ["A", "B"] * 30,
            "age": rng.uniform(60, 90, 60),
            "sex": ["F", "F", "M", "M"] * 15,
        }
    )
    vectors = rng.normal(size=(60, 8)).astype(np.float32) + 3 * (table["scanner"] == "B").to_numpy()[:, None]
    fitted = fit_harmonisation("combat", vectors, table, "scanner")
    served = torch.from_numpy(vectors.astype(np.float32)).reshape(60, 1, 2, 2, 2)
    asked = table.iloc[[5, 2]]
    found = reviewing.Networks(lambda scans: scans.flatten(1), None, fitted).embed(served[[5, 2]], asked)
    np.testing.assert_allclose(found, harmonise(fitted, vectors[[5, 2]], asked)[0], rtol=1e-5)
    assert np.abs(found - vectors[[5, 2]]).max() > 1


def test_without_harmonisation_embeddings_stay_as_they_are():
    served = torch.arange(16.0).reshape(2, 1, 2, 2, 2)
    found = reviewing.Networks(lambda scans: scans.flatten(1), None).embed(served, pd.DataFrame(index=[0, 1]))
    np.testing.assert_array_equal(found, np.arange(16.0).reshape(2, 8))
