import pytest

from clinimcl.errors import UserError
from clinimcl.storage.delimited import parse_table


def test_tables_are_text_with_the_editors_row_numbers():
    table = parse_table(b"\xef\xbb\xbfid , n\n01,n/a\n\n02,\n", "t.csv", ",")
    assert table.to_dict("list") == {"id": ["01", "02"], "n": ["n/a", ""]}
    assert table.index.tolist() == [2, 4]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2,3\n"])
def test_what_is_no_table_is_refused(content):
    with pytest.raises(UserError, match=r"t.csv is not a table separated by ','"):
        parse_table(content, "t.csv", ",")


@pytest.mark.parametrize(
    ("content", "separator", "sentence"),
    [
        (b"id;MMSE\n01;27,5\n", ",", "t.csv row 1: commas must stand .*, got semicolons: .*and points in its numbers"),
        (b'\xef\xbb\xbf"id, new";MMSE\n01;27\n', ",", "got semicolons"),
        (
            b"id,MMSE\n01,27\n",
            "\t",
            "t.csv row 1: tabs must stand .*, got commas: save .* with tabs between its columns",
        ),
    ],
)
def test_another_separator_is_named_with_the_one_to_use(content, separator, sentence):
    with pytest.raises(UserError, match=sentence):
        parse_table(content, "t.csv", separator)


@pytest.mark.parametrize("header", ["id", "id,a;b;c", '"a;b",id'])
def test_a_header_may_hold_other_separators(header):
    assert len(parse_table(f"{header}\n".encode(), "t.csv", ",").columns) == 1 + (header != "id")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_names_stay_apart_in_every_encoding(encoding):
    table = parse_table("id,site\r\n1,K\u00f6ln\r\n2,K\u00e4ln\r\n".encode(encoding), "t.csv", ",")
    assert table["site"].tolist() == ["K\u00f6ln", "K\u00e4ln"]


def test_the_line_that_names_the_separator_is_none_of_the_table():
    table = parse_table(b"sep=,\r\nid,n\r\n01,2\r\n", "t.csv", ",")
    assert (table.to_dict("list"), table.index.tolist()) == ({"id": ["01"], "n": ["2"]}, [3])


def test_a_column_that_stands_twice_is_one_or_refused():
    assert parse_table(b"id,n, n\n1,2,2\n", "t.csv", ",").to_dict("list") == {"id": ["1"], "n": ["2"]}
    with pytest.raises(UserError, match=r"t.csv has two columns n with different values"):
        parse_table(b"id,n,n\n1,2,3\n", "t.csv", ",")


def test_a_workbook_is_no_text():
    with pytest.raises(UserError, match=r"t.csv is no text, as a workbook is none: save the table as CSV"):
        parse_table(b"PK\x03\x04\0\0\0", "t.csv", ",")


def test_a_quotation_mark_that_swallows_rows_is_named():
    text = b'id\tnote\n1\t"inch\n2\tx\n3\t12"\n'
    with pytest.raises(UserError, match=r"t.tsv row 2: a quotation mark opens a cell that goes on over the next rows"):
        parse_table(text, "t.tsv", "\t")
