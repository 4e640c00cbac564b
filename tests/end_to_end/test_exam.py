"""The exam of frozen embeddings, as others sit it."""

import json

import numpy as np
import pandas as pd
import pytest

PEOPLE = [f"JANE{number:02d}" for number in range(40)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Vectors of 40 people, a file each, and a table that says who they are."""
    folder, rng = tmp_path_factory.mktemp("exam"), np.random.default_rng(0)
    (folder / "vectors").mkdir()
    label = np.arange(40) % 2
    for number, subject in enumerate(PEOPLE):
        vector = rng.normal(size=4) + 3 * label[number]
        np.save(folder / "vectors" / f"{subject}.npy", vector.astype(np.float32))
    sex = np.array(["F", "M"])[np.arange(40) // 2 % 2]
    table = pd.DataFrame({"subject": PEOPLE, "dx": np.array(["well", "ill"])[label], "sex": sex})
    table.to_csv(folder / "people.csv", index=False)
    return folder


ASKED = ["embeddings=vectors", "labels=people.csv", "column=dx", "splits=2"]


def test_the_exam_writes_scores_beside_chance_and_names_nobody(clinimcl, folder):
    result = clinimcl("exam", *ASKED, "groups=[sex]", "out=made/exam", cwd=folder)
    assert result.returncode == 0, result.stderr
    found = json.loads((folder / "made" / "exam" / "exam.json").read_text())
    assert set(found["metrics"]) == {"auroc", "fairness_auroc", "macro_f1", "fairness_macro_f1"}
    assert set(found["metrics"]["auroc"]) == {"value", "low", "high", "n_subjects", "n_items", "chance"}
    assert found["metrics"]["auroc"]["low"] > 0.5
    assert found["classes"] == {"ill": 20, "well": 20}
    written = [path.read_text() for path in (folder / "made" / "exam").iterdir()]
    assert len(written) == 4
    assert "JANE" not in result.stdout + "".join(written)


def test_other_embeddings_are_a_row_beside(clinimcl, folder):
    result = clinimcl("exam", *ASKED, "beside=vectors", "out=beside", cwd=folder)
    assert result.returncode == 0, result.stderr
    table = pd.read_csv(folder / "beside" / "exam.csv").set_index("metric")
    assert table.loc["auroc", "value"] == table.loc["beside_auroc", "value"]
    assert table.loc["auroc_minus_beside", "value"] == 0.0


WRONG = {
    "there is no column diagnosis in labels=...; there are dx, sex": ["column=diagnosis"],
    "there is no column site": ["groups=[site]"],
    "needs at least 30 subjects": ["least=30"],
    "least must be at least 5": ["least=2"],
    "splits must be at least 1": ["splits=0"],
    "is not there: expected a .csv": ["labels=nowhere.csv"],
    "must have the columns embedding_0": ["embeddings=people.csv"],
    "is not there: name the one of the pseudonyms": ["key=no.key"],
    "out=": ["out=people.csv"],
}


@pytest.mark.parametrize("said", WRONG)
def test_what_cannot_be_examined_is_told_in_a_sentence(clinimcl, folder, said):
    result = clinimcl("exam", *ASKED, "out=refused", *WRONG[said], cwd=folder)
    assert result.returncode == 2, result.stderr
    assert said in result.stderr and "Traceback" not in result.stderr and "JANE" not in result.stderr
    assert not (folder / "refused").exists()
