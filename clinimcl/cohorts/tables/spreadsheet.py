"""The first sheet of an Excel workbook as a table of text."""

import datetime
import io
import warnings
import zipfile
from collections.abc import Iterable
from itertools import islice

import pandas as pd

from clinimcl.errors import UserError
from clinimcl.storage.pointers import unfetched
from clinimcl.storage.tree import parse_table, read_bytes

_MOST_BYTES = 64 * 2**20  # unpacked
_MOST_ROWS, _MOST_COLUMNS = 50_000, 500
_MOST_LETTERS = 32_767  # of a cell, in Excel itself
_MOST_LETTERS_TOGETHER = 64 * 2**20


def read_table(address: str) -> pd.DataFrame:
    """A table as `parse_table` returns it, of a file .xlsx, .tsv or .csv (whatever else it is called).

    Raises: UserError if there is no such file or it is not such a table.
    """
    content = read_bytes(address)
    if address.lower().endswith(".xlsx"):
        return parse_workbook(content, address)
    return parse_table(content, address, "\t" if address.lower().endswith(".tsv") else ",")


def parse_workbook(content: bytes, where: str) -> pd.DataFrame:
    """The cells of the first sheet as text, rows counted as Excel does; formulas as last computed.

    Raises: UserError that names `where`.
    """
    pointer = unfetched(content)
    if pointer:
        raise UserError(f"{where} {pointer}")
    rows = _rows(content, where)
    names = rows[0] if rows else []
    if not any(names):
        raise UserError(f"{where}: the first row of the first sheet must name the columns, got nothing")
    if len(rows) > _MOST_ROWS or len(names) > _MOST_COLUMNS:
        raise UserError(
            f"{where} must have at most {_MOST_ROWS} rows and {_MOST_COLUMNS} columns, got more: save its sheet as CSV"
        )
    named = [place for place, name in enumerate(names) if name]
    cells = [[row[place] if place < len(row) else "" for place in named] for row in rows[1:]]
    table = pd.DataFrame(cells, columns=[names[place] for place in named], dtype=str)
    if table.columns.has_duplicates:
        twice = table.columns[table.columns.duplicated()][0]
        raise UserError(f"{where} row 1: each column must have a name of its own, got {twice} twice")
    table.index = pd.RangeIndex(2, len(table) + 2)
    return table[(table != "").any(axis=1)]


def _rows(content: bytes, where: str) -> list[list[str]]:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
        if unpacked > _MOST_BYTES:
            raise UserError(
                f"{where} must unpack to at most {_MOST_BYTES >> 20} MiB, got {unpacked >> 20}: save its sheet as CSV"
            )
        with warnings.catch_warnings(action="ignore"):  # of styles and extensions, which hold no value
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # some writers state others than there are
            rows = sheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS + 1)
            return _bounded_texts(islice(rows, _MOST_ROWS + 1), where)
    except UserError:
        raise
    except Exception as error:  # zipfile, expat and openpyxl have many, none of them a common one
        kind = type(error).__name__
        raise UserError(f"{where} is no Excel workbook ({kind}): save its sheet as CSV") from error


def _bounded_texts(rows: Iterable[tuple[object, ...]], where: str) -> list[list[str]]:
    """One text that many cells share is small in the file and large as a table."""
    texts, letters = [], 0
    for number, row in enumerate(rows, start=1):
        lengths = [len(cell) for cell in row if isinstance(cell, str)]
        letters += sum(lengths)
        if max(lengths, default=0) > _MOST_LETTERS or letters > _MOST_LETTERS_TOGETHER:
            raise UserError(
                f"{where} row {number}: a cell must hold at most {_MOST_LETTERS} letters, and all cells together "
                f"{_MOST_LETTERS_TOGETHER}, got more"
            )
        texts.append(_texts(row))
    return texts


def _texts(row: tuple[object, ...]) -> list[str]:
    """Without the empty cells at the row's end."""
    filled = [place for place, cell in enumerate(row) if cell is not None]
    return [_text(cell) for cell in row[: filled[-1] + 1]] if filled else []


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return str(cell).strip()
