import io
import zipfile
from datetime import datetime

import openpyxl
import pytest

from clinimcl.cohorts.tables import spreadsheet
from clinimcl.cohorts.tables.spreadsheet import parse_workbook, read_table
from clinimcl.errors import UserError


def workbook(*rows: tuple[object, ...]) -> bytes:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.create_sheet("codes").append(["other"])
    book.save(buffer)
    return buffer.getvalue()


def test_cells_are_the_text_that_a_csv_would_hold():
    rows = [("MRI ID", "CDR", "MMSE", "when"), (" a ", 0.5, 27.0, datetime(2020, 3, 31)), ("b", None, 1, "x")]
    table = parse_workbook(workbook(*rows), "a.xlsx")
    assert table.to_numpy().tolist() == [["a", "0.5", "27", "2020-03-31"], ["b", "", "1", "x"]]
    assert table.index.tolist() == [2, 3]


def test_empty_rows_and_columns_without_a_name_are_left_out():
    table = parse_workbook(workbook(("a", None, "b"), (), (1, 2, 3, 4)), "a.xlsx")
    assert table.to_dict("split") == {"index": [3], "columns": ["a", "b"], "data": [["1", "3"]]}


@pytest.mark.parametrize(("name", "text"), [("a.csv", "x,y\n1,2\n"), ("a.tsv", "x\ty\n1\t2\n")])
def test_text_tables_are_read_by_their_ending(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_table(str(tmp_path / name)).to_numpy().tolist() == [["1", "2"]]


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", bytes(70 * 2**20))
    with pytest.raises(UserError, match=r"must unpack to at most 64 MiB, got 70: save its sheet as CSV"):
        parse_workbook(buffer.getvalue(), "a.xlsx")


def test_a_cell_far_down_asks_for_no_rows_before_it(monkeypatch):
    monkeypatch.setattr(spreadsheet, "_MOST_ROWS", 50)
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"], book.active["XFD1048576"] = "a", "far"
    book.save(buffer)
    with pytest.raises(UserError, match="at most 50 rows and 500 columns, got more"):
        parse_workbook(buffer.getvalue(), "a.xlsx")


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(UserError, match="row 1: each column must have a name of its own, got a twice"):
        parse_workbook(workbook(("a", "a"), (1, 2)), "a.xlsx")


@pytest.mark.parametrize("content", [b"", b"MRI ID,CDR\n", workbook(("a",))[:-40]])
def test_what_is_no_workbook_is_a_sentence(content):
    with pytest.raises(UserError, match=r"a.xlsx is no Excel workbook \(\w+\): save its sheet as CSV"):
        parse_workbook(content, "a.xlsx")


def test_a_pointer_to_a_workbook_says_what_fetches_it():
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12\n"
    with pytest.raises(UserError, match=r"a.xlsx is a pointer of Git LFS, .* run `git lfs pull`"):
        parse_workbook(pointer, "a.xlsx")


def test_a_cell_of_more_letters_than_excels_is_refused(monkeypatch):
    monkeypatch.setattr(spreadsheet, "_MOST_LETTERS", 5)
    assert len(parse_workbook(workbook(("a",), ("12345",)), "a.xlsx")) == 1
    with pytest.raises(UserError, match=r"a.xlsx row 3: a cell must hold at most 5 letters, .* got more"):
        parse_workbook(workbook(("a",), (1,), ("123456",)), "a.xlsx")


def test_one_text_in_many_cells_is_bounded(monkeypatch):
    monkeypatch.setattr(spreadsheet, "_MOST_LETTERS_TOGETHER", 1000)
    with pytest.raises(UserError, match=r"a.xlsx row 11: .* all cells together 1000, got more"):
        parse_workbook(workbook(*[("x" * 50, "y" * 50)] * 20), "a.xlsx")
