from collections.abc import Callable

import numpy as np
import pandas as pd

from clinimcl.evaluation.change.answers import answer_table, answers_of
from clinimcl.evaluation.change.inputs import ChangeInputs

Given = Callable[..., ChangeInputs]


def test_zones_of_a_pair_of_visits_are_one_answer(given: Given):
    inputs = given()
    zones = pd.concat([inputs.test, inputs.test], ignore_index=True)
    answers = answers_of(inputs._replace(test=zones))
    assert answers.change.tolist() == inputs.test["change"].tolist()
    values = np.arange(len(zones), dtype=float)
    assert answers.mean(values).tolist() == (values[: len(inputs.test)] + len(inputs.test) / 2).tolist()


def test_both_people_of_a_pair_are_known(given: Given):
    inputs = given(kind="inter-subject")
    answers = answers_of(inputs)
    assert (answers.earlier != answers.later).all()
    assert max(answers.earlier.max(), answers.later.max()) == 8


def test_zones_that_disagree_are_judged_by_their_mean_score(given: Given):
    inputs = given()
    test = pd.DataFrame({"earlier": [36, 37], "later": [37, 38], "change": [0, 2], "answer": [5, 5]})
    scans = inputs.scans.assign(score=20.0)
    assert answers_of(inputs._replace(test=test, scans=scans)).change.tolist() == [1]


def test_table_of_answers_numbers_the_tested_subjects(given: Given):
    inputs = given()
    table = answer_table(inputs, answers_of(inputs))
    tested = sorted(inputs.scans.loc[inputs.scans["split"] == "test", "subject"].unique())
    earlier = inputs.scans["subject"].to_numpy()[inputs.test["earlier"]]
    assert [tested[number] for number in table["subject"]] == earlier.tolist()
    assert (table["subject"] == table["other"]).all()
    assert (table[["p0", "p1", "p2"]].to_numpy().argmax(axis=1) == table["answered"]).all()
