import pandas as pd
import pytest

from clinimcl.errors import UserError
from clinimcl.inference.batch_prediction import answer_table
from clinimcl.inference.model import Model
from clinimcl.inference.pair_table import read_rows
from clinimcl.inference.runtimes import Runtime
from tests.inference.heads import head, nifti
from tests.processors import NEEDS_AVX2


@pytest.fixture
def pairs(tmp_path):
    for seed in (1, 2, 3):
        (tmp_path / f"{seed}.nii").write_bytes(nifti(head(seed)))
    (tmp_path / "text.nii").write_bytes(b"hello")
    rows = [("1.nii", "2.nii"), ("2.nii", "text.nii"), ("2.nii", "3.nii")]
    pd.DataFrame(rows, columns=["earlier", "later"]).to_csv(tmp_path / "pairs.csv", index=False)
    return tmp_path / "pairs.csv"


def test_each_pair_is_answered_or_refused_in_words(model, folder, pairs, tmp_path):
    tally = answer_table(model, folder, pairs, tmp_path / "out", page=False)
    table = pd.read_csv(tmp_path / "out" / "answers.csv", keep_default_na=False)
    assert (tally.answered, tally.refused, tally.before) == (2, 1, 0)
    assert table["answered"].str.len().gt(0).tolist() == [True, False, True]
    assert "the later scan cannot be used: not a NIfTI file" in table["refused"][1]


def test_what_is_answered_is_not_asked_again(model, folder, pairs, tmp_path):
    answer_table(model, folder, pairs, tmp_path / "out", page=False)
    before = (tmp_path / "out" / "answers.csv").read_bytes()
    with (tmp_path / "out" / "answers.jsonl").open("ab") as file:
        file.write(b'5\n\xff\xfe\n["half a li')  # damaged, and of a killed run
    assert answer_table(model, folder, pairs, tmp_path / "out", page=False).before == 3
    assert (tmp_path / "out" / "answers.csv").read_bytes() == before


@NEEDS_AVX2
def test_another_runtime_is_asked_again(model, folder, pairs, tmp_path):
    answer_table(model, folder, pairs, tmp_path / "out", page=False)
    other = Model(folder, Runtime("openvino"))
    assert answer_table(other, folder, pairs, tmp_path / "out", page=False).before == 0


def test_a_changed_file_is_asked_about_again(model, folder, pairs, tmp_path):
    answer_table(model, folder, pairs, tmp_path / "out", page=False)
    (tmp_path / "3.nii").write_bytes(nifti(head(5, size=21)))
    assert answer_table(model, folder, pairs, tmp_path / "out", page=False).before == 2


def test_pages_are_named_by_row_and_the_table_names_no_file(model, folder, pairs, tmp_path):
    answer_table(model, folder, pairs, tmp_path / "out", page=True)
    assert {path.name for path in (tmp_path / "out").glob("*.html")} == {"pair-0001.html", "pair-0003.html"}
    assert all(".nii" not in path.read_text() for path in (tmp_path / "out").iterdir())


def test_a_page_is_that_of_its_pair_though_another_table_came_between(model, folder, pairs, tmp_path):
    answer_table(model, folder, pairs, tmp_path / "out", page=True)
    page = (tmp_path / "out" / "pair-0001.html").read_bytes()
    (tmp_path / "other.csv").write_text("earlier,later\n3.nii,1.nii\n")
    answer_table(model, folder, tmp_path / "other.csv", tmp_path / "out", page=True)
    assert (tmp_path / "out" / "pair-0001.html").read_bytes() != page
    answer_table(model, folder, pairs, tmp_path / "out", page=True)
    assert (tmp_path / "out" / "pair-0001.html").read_bytes() == page


def test_what_could_not_be_read_is_asked_again(model, folder, pairs, tmp_path):
    (tmp_path / "text.nii").unlink()
    (tmp_path / "text.nii").symlink_to(tmp_path / "away" / "text.nii")
    assert answer_table(model, folder, pairs, tmp_path / "out", page=False).refused == 1
    assert answer_table(model, folder, pairs, tmp_path / "out", page=False).before == 2


def test_the_address_of_a_scan_is_not_told(model, folder, pairs, tmp_path):
    (tmp_path / "far.csv").write_text("earlier,later\nnone://bucket/DOE_JANE.nii,1.nii\n")
    answer_table(model, folder, tmp_path / "far.csv", tmp_path / "out", page=False)
    assert "none://bucket: Protocol not known" in (tmp_path / "out" / "answers.csv").read_text()
    assert not [path.name for path in (tmp_path / "out").iterdir() if "DOE_JANE" in path.read_text()]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "no column earlier and later"),
        ("earlier,later\n", "no row"),
        ("earlier,later\n1.nii,\n", "row 1: later is empty"),
        ("earlier,later\n1.nii,2.nii,note\n", "row 1 has more or fewer cells"),
        ("earlier,later,earlier_date\n1.nii,2.nii,soon\n", "row 1: earlier_date must be a date"),
    ],
)
def test_a_wrong_table_is_told_without_its_name(tmp_path, content, said):
    (tmp_path / "DOE_JANE.csv").write_text(content)
    with pytest.raises(UserError, match=said) as caught:
        read_rows(tmp_path / "DOE_JANE.csv")
    assert "DOE_JANE" not in str(caught.value)
