"""A table of pairs → a table of answers; what is answered already is not asked again."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from rich.console import Console
from rich.progress import track

from clinimcl.cohorts.change import CHANGES
from clinimcl.errors import UserError
from clinimcl.files import write_text
from clinimcl.inference.answer import Answer, answer, ask
from clinimcl.inference.card import SUMS, sha256
from clinimcl.inference.model import Model
from clinimcl.inference.scans import Refused, given_pair
from clinimcl.preparation.fetching import fingerprint

DATES = ("earlier_date", "later_date")
DONE = "answers.jsonl"


class Row(NamedTuple):
    number: int  # of the table, counted from 1: how the pair is called in what is written
    earlier: str
    later: str
    days: tuple[str | None, str | None]

    def digest(self, model: str) -> str:
        """Changes when a file, a date or the model does."""
        parts = [model, *map(fingerprint, (self.earlier, self.later)), *map(str, self.days), str(self.number)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Tally(NamedTuple):
    answered: int
    refused: int
    before: int
    table: Path

    def __str__(self) -> str:
        return f"{self.answered} answered, {self.refused} refused ({self.before} of them before): {self.table}"


def answer_table(model: Model, folder: Path, pairs: Path, out: Path, *, page: bool) -> Tally:
    """Raises UserError: the table cannot be read. A pair that is refused stands in the answers with the reason."""
    rows = read_rows(pairs)
    out.mkdir(parents=True, exist_ok=True)
    known, exported = _done(out / DONE), sha256(folder / SUMS)
    found, before = [], 0
    console = Console(stderr=True)
    for row in track(rows, "Answering", console=console, disable=not console.is_terminal):
        digest = row.digest(exported)
        if digest in known:
            before += 1
        else:
            known[digest] = _answered(model, row, out, page)
            with (out / DONE).open("a", encoding="utf-8") as file:
                file.write(json.dumps([digest, known[digest]]) + "\n")
        found.append({"pair": row.number, **known[digest]})
    table = pd.DataFrame(found)
    write_text(table.to_csv(index=False), out / "answers.csv")
    refused = int((table["refused"] != "").sum())
    return Tally(len(table) - refused, refused, before, out / "answers.csv")


def read_rows(path: Path) -> list[Row]:
    """
    Raises:
        UserError: with what is wrong with the table, by row.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise UserError(f"pairs={path} is not there: expected a CSV file with columns earlier and later") from None
    except (ValueError, OSError) as error:
        raise UserError(f"pairs={path} cannot be read as CSV ({type(error).__name__})") from None
    missing = {"earlier", "later"} - set(table.columns)
    if missing or table.empty:
        what = f"no column {' and '.join(sorted(missing))}" if missing else "no row"
        raise UserError(f"pairs={path} has {what}: expected columns earlier and later, a pair a row")
    return list(_rows(table, path))


def _rows(table: pd.DataFrame, path: Path) -> Iterator[Row]:
    for number, row in enumerate(table.to_dict("records"), start=1):
        for role in ("earlier", "later"):
            if not row[role]:
                raise UserError(f"{path} row {number}: {role} is empty, expected the path of a scan")
        earlier, later = (str(path.parent / row[role]) for role in ("earlier", "later"))
        first, second = (row.get(name) or None for name in DATES)
        yield Row(number, earlier, later, (first, second))


def _answered(model: Model, row: Row, out: Path, page: bool) -> dict[str, Any]:
    try:
        asked = ask(model, *given_pair(row.earlier, row.later, model.pipeline, model.parts.input))
        found = answer(model, asked, row.days)
    except Refused as refused:
        return _cells(None, str(refused))
    if page:
        from clinimcl.inference.page import write_page

        write_page(model, asked, found, out / f"pair-{row.number:04d}.html")
    return _cells(found, "")


def _cells(found: Answer | None, refused: str) -> dict[str, Any]:
    change = dict.fromkeys(CHANGES, "") if found is None else {name: f"{found.change[name]:.4f}" for name in CHANGES}
    scores = found.scores if found and found.scores else ("", "")
    return {
        "answered": found.answered if found else "",
        **change,
        "likely": " or ".join(found.likely) if found and found.likely else "",
        "earlier_score": scores[0],
        "later_score": scores[1],
        "flags": "; ".join(found.flags) if found else "",
        "refused": refused,
    }


def _done(path: Path) -> dict[str, dict[str, Any]]:
    """By digest; the line that a kill cut short is left out."""
    known = {}
    with suppress(FileNotFoundError):
        for line in path.read_text("utf-8").splitlines():
            with suppress(ValueError):
                digest, cells = json.loads(line)
                known[digest] = cells
    return known
