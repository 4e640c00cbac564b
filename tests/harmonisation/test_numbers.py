import json

import numpy as np
import pandas as pd
import pytest

from clinimcl.config.settings import HARMONISATIONS
from clinimcl.errors import UserError
from clinimcl.harmonisation.combat import Harmonisation, fit_harmonisation, harmonise
from clinimcl.harmonisation.numbers import harmonise_asked, read_harmonisation, write_harmonisation


def fitted(method: str = "combat", age: bool = True) -> tuple[Harmonisation, np.ndarray, pd.DataFrame]:
    number = np.repeat(np.arange(30), 2)
    scans = pd.DataFrame({"subject": number, "scanner": [f"S{one % 3}" for one in range(60)], "sex": "F"})
    scans["age"] = 60.0 + number % 7 if age else np.nan
    vectors = np.random.default_rng(0).normal(size=(60, 4)) + np.arange(60)[:, None] % 3
    return fit_harmonisation(method, vectors, scans, "scanner"), vectors, scans


@pytest.mark.parametrize("method", HARMONISATIONS)
@pytest.mark.parametrize("age", [True, False])
def test_what_is_read_harmonises_as_what_was_written(tmp_path, method: str, age: bool):
    model, vectors, scans = fitted(method, age)
    write_harmonisation(model, tmp_path / "harmonisation.json")
    again = read_harmonisation(tmp_path / "harmonisation.json")
    assert (harmonise(again, vectors, scans)[0] == harmonise(model, vectors, scans)[0]).all()


def test_what_is_asked_is_harmonised_by_its_site_alone():
    model, vectors, _ = fitted()
    alone, known = harmonise_asked(model, vectors[:2], ["S0", None], ["P", "P"])
    assert known.tolist() == [True, False]
    assert (alone[1] == vectors[1]).all() and (alone[0] != vectors[0]).any()


def test_a_pair_that_is_asked_about_changes_as_the_same_pair_did_in_training():
    model, vectors, scans = fitted("longitudinal", age=False)
    trained, _ = harmonise(model, vectors, scans)
    pair = scans["scanner"].tolist()[4:6], scans["subject"].tolist()[4:6]
    served, _ = harmonise_asked(model, vectors[4:6], *pair)
    assert served == pytest.approx(trained[4:6])


@pytest.mark.parametrize(
    "change",
    [
        {"scale": [0.0, 1.0, 1.0, 1.0]},
        {"mean": [1.0]},
        {"mean": ["a", "b", "c", "d"]},
        {"sites": ["S0"]},
        {"method": "pickle"},
        {"shift": None},
        {"covariates": {"names": ["age"], "means": [0.0], "deviations": [1.0], "more": []}},
    ],
)
def test_a_file_that_was_changed_is_refused(tmp_path, change: dict[str, object]):
    path = tmp_path / "harmonisation.json"
    write_harmonisation(fitted()[0], path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match="must hold what harmonises embeddings"):
        read_harmonisation(path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match=r"harmonisation.json must hold what harmonises"):
        read_harmonisation(tmp_path / "harmonisation.json")
