import numpy as np
import pandas as pd

from clinimcl.evaluation.review.worst import worst_answers, worst_retrievals


def names_of(scans: pd.DataFrame) -> dict[str, str]:
    return {subject: f"subject {number}" for number, subject in enumerate(scans["subject"].unique(), 1)}


def with_paths(inputs):
    scans = inputs.scans
    return inputs._replace(scans=scans.assign(path=[f"/data/{number}.nii" for number in range(len(scans))]))


def test_no_right_answer_is_among_the_worst(given):
    inputs = with_paths(given())
    found = worst_answers(inputs, names_of(inputs.scans))
    assert (len(found.table), found.wrong, found.asked) == (0, 0, len(inputs.test))


def test_the_surest_wrong_answer_comes_first(given):
    inputs = with_paths(given())
    change, probabilities = inputs.test["change"].to_numpy(), inputs.probabilities.copy()
    for row, sure in ((4, 0.5), (11, 0.9), (7, 0.7)):
        probabilities[row] = (1 - sure) / 2
        probabilities[row, (change[row] + 1) % 3] = sure
    found = worst_answers(inputs._replace(probabilities=probabilities), names_of(inputs.scans))
    assert found.table["probability_answered"].tolist() == [0.9, 0.7, 0.5]
    assert found.table["rank"].tolist() == [1, 2, 3] and found.wrong == 3
    first = inputs.scans["path"].to_numpy()[inputs.test.loc[11, ["earlier", "later"]].to_numpy(int)]
    assert found.paths[0] == tuple(first)


def test_ten_at_most_are_told_and_no_subject_is_named(given):
    inputs = with_paths(given())
    wrong = inputs._replace(probabilities=np.roll(inputs.probabilities, 1, axis=1))
    found = worst_answers(wrong, names_of(inputs.scans))
    assert len(found.table) == 10 and "ADNI" not in found.table.to_csv()


def test_the_worst_search_is_the_one_that_finds_another_person_before_its_own():
    scans = pd.DataFrame(
        {
            "subject": ["a", "a", "b", "b", "c"],
            "session": ["1", "2", "1", "2", "1"],
            "day": [0.0, 400, 0, 400, 0],
            "path": [f"/data/{number}" for number in range(5)],
        }
    )
    vectors = np.array([[1.0, 0], [0.9, 0.1], [0, 1.0], [1.0, 0.02], [-1.0, 0]])
    found = worst_retrievals(scans, vectors, names_of(scans))
    assert found.table[["subject", "other"]].iloc[0].tolist() == ["subject 2", "subject 1"]
    assert found.paths[0] == ("/data/3", "/data/0") and found.asked == 4
    assert (found.table["similarity_found"] > found.table["similarity_own"]).all()
    assert found.table["years"].isna().all()
