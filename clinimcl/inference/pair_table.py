"""A table of pairs that are to be answered."""

import csv
import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

from clinimcl.errors import UserError
from clinimcl.inference.flags import reversed_days
from clinimcl.preparation.fetching import fingerprint

DATES = ("earlier_date", "later_date")
SCANNERS = ("earlier_scanner", "later_scanner")


class Row(NamedTuple):
    number: int  # of the table, counted from 1: how the pair is called in what is written
    earlier: str
    later: str
    days: tuple[str | None, str | None]
    scanners: tuple[str | None, str | None] = (None, None)

    def digest(self, asked: str) -> str:
        """Changes when a file, a date, or what is `asked` of which model does."""
        paths = [f"{path.rstrip('/')}/" if os.path.isdir(path) else path for path in (self.earlier, self.later)]
        parts = [asked, *map(str, self), *paths, *map(_stamp, paths)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_rows(path: Path) -> list[Row]:
    """Paths of scans are relative to the table's folder.

    Raises:
        UserError: with what is wrong with the table, by row.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            missing = {"earlier", "later"} - set(reader.fieldnames or ())
            if missing:
                raise UserError(
                    f"pairs=... has no column {' and '.join(sorted(missing))}: expected columns earlier and later"
                )
            rows = [_row(path, number, cells) for number, cells in enumerate(reader, start=1)]
    except FileNotFoundError:
        raise UserError("pairs=... is not there: expected a CSV file with columns earlier and later") from None
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise UserError(f"pairs=... cannot be read as CSV ({type(error).__name__})") from None
    if not rows:
        raise UserError("pairs=... has no row: expected columns earlier and later, a pair a row")
    return rows


def _row(table: Path, number: int, cells: dict[Any, Any]) -> Row:
    if None in cells or None in cells.values():
        raise UserError(f"pairs=... row {number} has more or fewer cells than the first line")
    for role in ("earlier", "later"):
        if not cells[role]:
            raise UserError(f"pairs=... row {number}: {role} is empty, expected the path of a scan")
    earlier, later = (_place(table, cells[role]) for role in ("earlier", "later"))
    first, second = (cells.get(name) or None for name in DATES)
    try:
        reversed_days(first, second)
    except UserError as error:
        raise UserError(f"pairs=... row {number}: {error}") from None
    one, other = (cells.get(name) or None for name in SCANNERS)
    return Row(number, earlier, later, (first, second), (one, other))


def _place(table: Path, path: str) -> str:
    return path if "://" in path else str(table.parent / os.path.expanduser(path))


def _stamp(path: str) -> str:
    try:
        return fingerprint(path)
    except (OSError, ValueError) as error:  # whose message names the file
        return type(error).__name__
