import numpy as np
import pandas as pd
import pytest

from clinimcl.errors import UserError
from clinimcl.evaluation.exam.embedding_files import Embeddings
from clinimcl.evaluation.exam.items import Question, items_of, labelled, pseudonymous
from clinimcl.pseudonyms import keyed

KEY = b"0123456789abcdef"
ASKED = Question("dx", ("sex",), least=5)
PEOPLE = [f"P{number:02d}" for number in range(12)]
LABELS = pd.DataFrame({"subject": PEOPLE, "dx": ["ill", "well"] * 6, "sex": ["F"] * 6 + ["M"] * 6})


def embeddings(subjects=PEOPLE, **columns):
    rows = pd.DataFrame({"subject": subjects, **columns}, dtype=str)
    return Embeddings(rows, np.arange(2.0 * len(rows)).reshape(-1, 2))


def test_an_item_is_the_mean_of_a_subject_s_scans():
    found = items_of({"embeddings": labelled(embeddings([*PEOPLE, "P00"]), LABELS, ASKED)}, ASKED)
    assert found.vectors["embeddings"][0].tolist() == [12.0, 13.0]
    assert (found.classes, found.label[:2].tolist(), found.subjects) == (["ill", "well"], [0, 1], 12)
    assert found.groups["sex"].tolist() == ["F"] * 6 + ["M"] * 6


def test_a_subject_with_two_labels_is_two_items():
    labels = pd.concat([LABELS, pd.DataFrame({"subject": ["P00"], "dx": ["well"], "sex": ["F"]})])
    labels = labels.assign(session=["1"] * 12 + ["2"])
    scans = embeddings([*PEOPLE, "P00"], session=["1"] * 12 + ["2"])
    found = items_of({"embeddings": labelled(scans, labels, ASKED)}, ASKED)
    assert found.subject[:3].tolist() == [0, 0, 1]
    assert found.label[:2].tolist() == [0, 1]
    assert found.vectors["embeddings"][:2].tolist() == [[0.0, 1.0], [24.0, 25.0]]


def test_labels_match_pseudonyms_by_their_key():
    names = keyed(PEOPLE, KEY)
    scans = embeddings([names[one] for one in PEOPLE])
    assert labelled(scans, pseudonymous(LABELS, KEY), ASKED).left_out == 0


def test_scans_without_a_label_are_counted_and_left_out():
    labels = LABELS.assign(dx=["n/a", *LABELS["dx"][1:]])
    assert labelled(embeddings(), labels, ASKED).left_out == 1


def test_labels_may_stand_beside_the_embeddings():
    beside = embeddings(dx=LABELS["dx"].tolist(), sex=LABELS["sex"].tolist())
    assert items_of({"embeddings": labelled(beside, None, ASKED)}, ASKED).subjects == 12


def test_embeddings_without_further_columns_say_that_there_is_no_other():
    with pytest.raises(UserError, match=r"labels=FILE\); there is no other$"):
        labelled(embeddings(), None, ASKED)


def test_only_what_both_have_is_examined():
    made = {"embeddings": embeddings(), "beside": embeddings(PEOPLE[:-1])}
    found = items_of({name: labelled(own, LABELS, ASKED) for name, own in made.items()}, ASKED)
    assert [len(vectors) for vectors in found.vectors.values()] == [11, 11]


def test_a_group_that_differs_between_scans_is_not_known():
    labels = LABELS.assign(session="1", sex="M")
    again = labels.assign(session="2", sex="F")
    scans = embeddings([*PEOPLE, "P00"], session=["1"] * 12 + ["2"])
    found = items_of({"embeddings": labelled(scans, pd.concat([labels, again]), ASKED)}, ASKED)
    assert found.groups["sex"].isna().tolist() == [True] + [False] * 11


WRONG = {
    "there is no column dx in labels=...; there are sex": LABELS.drop(columns="dx"),
    "no scan has a dx: 12 subjects are embedded, 12 labelled, 0 both": LABELS.assign(subject="X" + LABELS["subject"]),
    "labels=... has 12 rows that contradict": pd.concat([LABELS, LABELS.assign(sex="X")]),
    "must have at least 2 classes, got ill alone": LABELS.assign(dx="ill"),
    "needs at least 5 subjects, for 40, 10 and 50 % of them; too few: rare (2)": LABELS.assign(
        dx=["rare"] * 2 + ["well"] * 10
    ),
    "too few: 2 of 3 classes.": LABELS.assign(dx=["one", "two"] + ["well"] * 10),
    "column=dx has a value for each single subject": LABELS.assign(dx="X" + LABELS["subject"]),
    "groups=sex has a value for each single subject": LABELS.assign(sex="X" + LABELS["subject"]),
    "column=dx holds 12 different numbers": LABELS.assign(dx=[str(60.5 + number) for number in range(12)]),
}


@pytest.mark.parametrize("said", WRONG)
def test_labels_that_cannot_be_examined_are_refused(said):
    with pytest.raises(UserError) as refused:
        items_of({"embeddings": labelled(embeddings(), WRONG[said], ASKED)}, ASKED)
    assert said in str(refused.value)
    assert "P00" not in str(refused.value)


def test_a_column_that_names_subjects_is_refused_by_its_name():
    labels = LABELS.assign(participant_id=["a", "b"] * 6)
    with pytest.raises(UserError, match="groups=participant_id has a value for each"):
        labelled(embeddings(), labels, Question("dx", ("participant_id",), 5))


def test_subjects_are_read_from_the_columns_that_cohorts_have():
    labels = LABELS.rename(columns={"subject": "OASISID"})
    assert labelled(embeddings(), pseudonymous(labels, None), ASKED).left_out == 0


def test_labels_need_a_column_of_subjects():
    with pytest.raises(UserError, match="must have a column pseudonym, subject"):
        pseudonymous(LABELS.drop(columns="subject"), None)
