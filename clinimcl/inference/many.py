"""A table of pairs → a table of answers; what is answered already is not asked again."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from rich.console import Console
from rich.progress import track

from clinimcl.cohorts.change import CHANGES
from clinimcl.errors import UserError
from clinimcl.files import made_folder, write_text
from clinimcl.inference.answer import Answer, answer, ask
from clinimcl.inference.card import SUMS, sha256
from clinimcl.inference.model import Model
from clinimcl.inference.pair_table import Row, read_rows
from clinimcl.inference.scans import Refused, given_pair

DONE = "answers.jsonl"


class Tally(NamedTuple):
    answered: int
    refused: int
    before: int
    table: Path

    def __str__(self) -> str:
        return f"{self.answered} answered, {self.refused} refused ({self.before} were there already): {self.table}"


def answer_table(model: Model, folder: Path, pairs: Path, out: Path, *, page: bool) -> Tally:
    """Raises UserError: the table cannot be read. A pair that is refused stands in the answers with the reason."""
    rows = read_rows(pairs)
    made_folder(out, "out")
    known, asked = _done(out / DONE), f"{sha256(folder / SUMS)} {page}"
    found, before = [], 0
    console = Console(stderr=True)
    for row in track(rows, "Answering", console=console, disable=not console.is_terminal):
        digest, place = row.digest(asked), out / f"pair-{row.number:04d}.html"
        cells = _before(known.get(digest), place)
        if cells:
            before += 1
        else:
            cells, lasting = _answered(model, row, place if page else None)
            if lasting:
                written = sha256(place) if page and place.is_file() else ""
                with (out / DONE).open("a", encoding="utf-8") as file:
                    file.write(json.dumps([digest, cells, written]) + "\n")
        found.append({"pair": row.number, **cells})
    table = pd.DataFrame(found)
    write_text(table.to_csv(index=False), out / "answers.csv")
    shown = {f"pair-{cells['pair']:04d}.html" for cells in found if page and not cells["refused"]}
    for left in out.glob("pair-*.html"):  # of another table
        if left.name not in shown:
            left.unlink()
    refused = int((table["refused"] != "").sum())
    return Tally(len(table) - refused, refused, before, out / "answers.csv")


def _before(done: tuple[dict[str, Any], str] | None, place: Path) -> dict[str, Any] | None:
    """What was answered, if the page that was written with it is still there, and not that of another table's pair."""
    if done is None or (done[1] and not (place.is_file() and sha256(place) == done[1])):
        return None
    return done[0]


def _answered(model: Model, row: Row, place: Path | None) -> tuple[dict[str, Any], bool]:
    """And whether that will last: a file that cannot be read now may be read another time."""
    if place is not None:
        place.unlink(missing_ok=True)
    try:
        asked = ask(model, *given_pair(row.earlier, row.later, model.pipeline, model.parts.input))
        found = answer(model, asked, row.days)
    except UserError as refused:
        return _cells(None, str(refused)), isinstance(refused, Refused)
    if place is not None:
        from clinimcl.inference.page import Unshowable, write_page

        try:
            write_page(model, asked, found, place)
        except Unshowable as error:
            found = found._replace(flags=[*found.flags, str(error)])
    return _cells(found, ""), True


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
        "probabilities": found.calibration if found else "",
        "refused": refused,
    }


def _done(path: Path) -> dict[str, tuple[dict[str, Any], str]]:
    """Cells, and the page's SHA-256 ("": none), by digest; the line that a kill cut short is left out."""
    known = {}
    with suppress(FileNotFoundError):
        for line in path.read_text("utf-8").splitlines():
            with suppress(ValueError, IndexError):
                digest, *done = json.loads(line)
                known[digest] = (done[0], done[1])
    return known
