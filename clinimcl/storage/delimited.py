"""Delimited text (CSV, TSV) as tables of text."""

import io
import re
import warnings

import pandas as pd

from clinimcl.errors import UserError
from clinimcl.storage.pointers import unfetched

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

_NOT_IN_CP1252 = frozenset({0x81, 0x8D, 0x8F, 0x90, 0x9D})
_NAMED_BY_EXCEL = re.compile(r'"?sep=.{1,2}"?')  # its first line that names the separator


def parse_table(content: bytes, where: str, separator: str) -> pd.DataFrame:
    """A table as text, cell by cell: no value is guessed, missing ones are ''.

    The index is the row as an editor counts it (the header is row 1).

    Raises: UserError that names `where`.
    """
    text, above = _text(content, where)
    _check_separator(text, where, separator)
    try:
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):  # rows longer than the header
            table = pd.read_csv(
                io.StringIO(text),
                sep=separator,
                dtype=str,
                keep_default_na=False,
                skip_blank_lines=False,
                index_col=False,
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        raise UserError(f"{where} is not a table separated by {separator!r}: {error}") from error
    table = _each_column_once(table, text, where, separator)
    table = table.rename(columns=str.strip).fillna("").apply(lambda column: column.str.strip())
    table.index = pd.RangeIndex(2 + above, len(table) + 2 + above)
    if separator == "\t" and '"' in text:
        _check_quotes(table, where)
    return table[(table != "").any(axis=1)]


def _each_column_once(table: pd.DataFrame, text: str, where: str, separator: str) -> pd.DataFrame:
    """pandas renames a column whose name stands twice: the first would count in silence."""
    plain = table.columns.str.strip()
    if plain.is_unique and not plain.str.contains(r"\.\d+$").any():
        return table
    header = pd.read_csv(io.StringIO(text), sep=separator, header=None, nrows=1, dtype=str, keep_default_na=False)
    names = header.iloc[0].str.strip().tolist()
    kept = {name: position for position, name in reversed(list(enumerate(names))) if name}
    again = [position for position, name in enumerate(names) if name and kept[name] != position]
    for position in again:
        first = kept[names[position]]
        if not table.iloc[:, first].equals(table.iloc[:, position].set_axis(table.index)):
            raise UserError(
                f"{where} has two columns {names[position]} with different values: take one away or rename it"
            )
    return table.drop(columns=table.columns[again])


def _text(content: bytes, where: str) -> tuple[str, int]:
    """The table's text, and how many lines stand above its header.

    Raises: UserError for a file that is no text.
    """
    pointer = unfetched(content)
    if pointer:
        raise UserError(f"{where} {pointer}")
    text = _decoded(content)
    if "\0" in text[:100_000]:
        raise UserError(f"{where} is no text, as a workbook is none: save the table as CSV (UTF-8)")
    first, _, rest = text.partition("\n")
    return (rest, 1) if _NAMED_BY_EXCEL.fullmatch(first.rstrip("\r")) else (text, 0)


def _decoded(content: bytes) -> str:
    """What is not UTF-8 is taken for Windows' Western alphabet: two names stay two names."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1" if set(content) & _NOT_IN_CP1252 else "cp1252")


def _check_quotes(table: pd.DataFrame, where: str) -> None:
    """In a table of tabs, a cell of several lines is one whose quotation mark nobody closed."""
    rows = table.apply(lambda column: column.str.contains("\n", regex=False)).any(axis=1)
    if rows.any():
        raise UserError(
            f"{where} row {rows.idxmax()}: a quotation mark opens a cell that goes on over the "
            "next rows; take it away, or close it in the same cell"
        )


def _check_separator(text: str, where: str, separator: str) -> None:
    """Spreadsheets write semicolons where a comma is the decimal sign."""
    header = text[:100_000].partition("\n")[0]
    unquoted = re.sub(r'"[^"]*"', "", header)
    if separator in unquoted:
        return
    found = max(SEPARATORS, key=unquoted.count)
    if found in unquoted:
        wanted, numbers = SEPARATORS[separator], " and points in its numbers, as in 27.5" if found == ";" else ""
        raise UserError(
            f"{where} row 1: {wanted} must stand between the columns, got {SEPARATORS[found]}: save the table again "
            f"with {wanted} between its columns{numbers}"
        )
