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
from clinimcl.inference.card import SUMS, sha256
from clinimcl.inference.input_scans import Refused, given_pair
from clinimcl.inference.model import Model
from clinimcl.inference.pair_table import Row, read_rows
from clinimcl.inference.prediction import Answer, answer, ask
from clinimcl.storage.files import made_folder, write_text

DONE = "answers.jsonl"


class Tally(NamedTuple):
    answered: int
    refused: int
    before: int
    table: Path

    def __str__(self) -> str:
        return f"{self.answered} answered, {self.refused} refused ({self.before} were there already): {self.table}"


class Done(NamedTuple):
    cells: dict[str, Any]
    page: str  # its SHA-256, "" where there is none
    lasting: bool = True  # a file that cannot be read now may be read another time

    def stands(self, place: Path) -> bool:
        """Whether the page that was written with it is still there, and not that of another table's pair."""
        return not self.page or (place.is_file() and sha256(place) == self.page)


def answer_table(model: Model, folder: Path, pairs: Path, out: Path, *, page: bool) -> Tally:
    """Raises UserError: the table cannot be read. A pair that is refused stands in the answers with the reason."""
    rows = read_rows(pairs)
    made_folder(out, "out")
    known, asked = _known(out / DONE), f"{sha256(folder / SUMS)} {' '.join(model.runtime)} {page}"
    found, shown, before = [], set(), 0
    console = Console(stderr=True)
    for row in track(rows, "Answering", console=console, disable=not console.is_terminal):
        digest, place = row.digest(asked), out / f"pair-{row.number:04d}.html"
        done = known.get(digest)
        if done and done.stands(place):
            before += 1
        else:
            done = _answered(model, row, place if page else None)
            if done.lasting:
                with (out / DONE).open("a", encoding="utf-8") as file:
                    file.write(json.dumps([digest, done.cells, done.page]) + "\n")
        found.append({"pair": row.number, **done.cells})
        shown |= {place.name} if done.page else set()
    table = pd.DataFrame(found)
    write_text(table.to_csv(index=False), out / "answers.csv")
    for left in out.glob("pair-*.html"):  # of another table
        if left.name not in shown:
            left.unlink()
    refused = int((table["refused"] != "").sum())
    return Tally(len(table) - refused, refused, before, out / "answers.csv")


def _answered(model: Model, row: Row, place: Path | None) -> Done:
    try:
        pair = given_pair(row.earlier, row.later, model.pipeline, model.parts.input)
        asked = ask(model, *pair, row.scanners)
        found = answer(model, asked, row.days)
    except UserError as refused:
        return Done(_cells(None, str(refused)), "", lasting=isinstance(refused, Refused))
    if place is None:
        return Done(_cells(found, ""), "")
    from clinimcl.inference.page import Unshowable, write_page

    try:
        write_page(model, asked, found, place)
    except Unshowable as error:
        return Done(_cells(found._replace(flags=[*found.flags, str(error)]), ""), "")
    return Done(_cells(found, ""), sha256(place))


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


def _known(path: Path) -> dict[str, Done]:
    """By digest; a line that a kill cut short, or that is none of ours, is left out."""
    known = {}
    with suppress(FileNotFoundError):
        for line in path.read_text("utf-8", "replace").splitlines():
            with suppress(ValueError, TypeError):
                digest, cells, page = json.loads(line)
                known[digest] = Done(cells, page)
    return known
