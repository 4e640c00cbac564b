"""What the JSON beside a BIDS table says of its columns: units, and which sex a code means."""

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from clinimcl.cohorts.tables.parsing import MISSING, YEARS, column
from clinimcl.errors import UserError
from clinimcl.storage.pointers import unfetched
from clinimcl.storage.tree import Tree

Notes = Mapping[str, Any]  # by column

_FEMALE = re.compile(
    r"\b(?:females?|woman|women|girls?|f|weiblich|frau(?:en)?|mujer(?:es)?|femme|mulher|donna|vrouw)\b", re.IGNORECASE
)
_MALE = re.compile(r"\b(?:males?|man|men|boys?|m|männlich|mann|hombres?|var[oó]n|homme|homem|uomo)\b", re.IGNORECASE)
_NEITHER = re.compile(r"\b(?:other|intersex|diverse|unknown|n/?a|not|prefer|missing|none)\b", re.IGNORECASE)
_FEW_WORDS = 4  # of a level that is only missing; a longer one may say so of something else
_MISSING = re.compile(
    r"\b(?:missing|unknown|n/?a|(?:not|never) (?:available|collected|done|known|recorded|applicable|assessed|reported"
    r"|given|tested)|no (?:answer|data|value)|refused)\b",
    re.IGNORECASE,
)
_UNIT = re.compile(r"(?<![a-z])(day|week|wk|month|mon|mth|mo|year|yr|annum)s?(?![a-z])", re.IGNORECASE)
_LETTER = re.compile(r"([dwmya])\.?(?:o\.?)?", re.IGNORECASE)  # "y.o." is an age, too
_BEFORE_BIRTH = re.compile(r"gestation|menstrua|concept|\bpma\b", re.IGNORECASE)


class TableNotes:
    """The JSON files that may stand beside tables, by the inheritance principle of BIDS."""

    def __init__(self, tree: Tree, kinds: Sequence[str]) -> None:
        pattern = re.compile(rf"(?:^|[/_])({'|'.join(kinds)})\.json$")
        files = [file for file in tree.files if pattern.search(file)]
        files = [file for file in files if file.startswith("sub-") or "/" not in file]
        content = tree.contents(files)
        for file in set(files) - set(content):
            raise UserError(f"{posixpath.basename(file)} {tree.why_unreadable(file)}")
        self._by_place: dict[tuple[str, str], list[tuple[_Place, Notes]]] = {}
        for file in files:
            place = _Place(file)
            told = (place, _notes(content[file], posixpath.basename(file)))
            self._by_place.setdefault((place.folder, place.kind), []).append(told)

    def of(self, table: str) -> Notes:
        """What is said of a table's columns; the file that lies nearest to it counts."""
        own = _Place(table)
        merged: dict[str, Any] = {}
        for folder in own.above():
            there = self._by_place.get((folder, own.kind), [])
            found = [(place, notes) for place, notes in there if place.entities <= own.entities]
            for _, notes in sorted(found, key=lambda told: len(told[0].entities)):
                merged |= notes
        return merged


class _Place:
    """Where a file lies, and what its name says."""

    def __init__(self, file: str) -> None:
        self.folder = posixpath.dirname(file)
        *entities, self.kind = posixpath.basename(file).rsplit(".", 1)[0].split("_")
        self.entities = set(entities)

    def above(self) -> list[str]:
        """The folders in which a file that governs this one may lie, from the root ("") down."""
        parts = self.folder.split("/") if self.folder else []
        return ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]


def _notes(content: bytes, name: str) -> Notes:
    pointer = unfetched(content)
    if pointer:
        raise UserError(f"{name} {pointer}")
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{name} is no JSON ({type(error).__name__}): mend it or take it away; its Levels and Units say what the "
            "cells of its table mean"
        ) from error
    return found if isinstance(found, dict) else {}


def unit_of(notes: Notes, name: str) -> float | None:
    """Years in a column's unit; where nothing is said, BIDS means years; None if unknown."""
    note = _of_column(notes, name)
    stated = str(note.get("Units") or "").strip()
    if stated.lower() in MISSING:
        described = f"{note.get('Description', '')} {note.get('LongName', '')}"
        told = (hit[1] for hit in re.finditer(r"(?:\bin |[(\[,:] ?)(\w+)", described))
        stated = next((word for word in told if _UNIT.fullmatch(word)), "years")
    units = {unit.lower()[0].replace("a", "y") for unit in _UNIT.findall(stated)}
    letter = _LETTER.fullmatch(stated)
    if letter:
        units = {letter[1].lower().replace("a", "y")}
    return YEARS[units.pop()] if len(units) == 1 and not _BEFORE_BIRTH.search(stated) else None


def sex_codes(notes: Notes, name: str) -> dict[str, str]:
    """F, M or "" by each code that Levels describe, in lower case.

    Levels that are turned round, words with their codes, are understood too.
    """
    levels = _of_column(notes, name).get("Levels")
    if not isinstance(levels, dict):
        return {}
    codes = {}
    for code, level in levels.items():
        said = _described(level)
        if re.fullmatch(r"\s*\d+(?:\.0)?\s*", said):
            code, said = said, str(code)
        sex = _sex(said) or _sex(str(code))
        if sex or _NEITHER.search(said):
            codes[str(code).strip().lower().removesuffix(".0")] = sex
    return codes


def missing_codes(notes: Notes) -> dict[str, set[str]]:
    """By column, the codes of a missing value, as Levels describe them ("-9": "not collected")."""
    found: dict[str, set[str]] = {}
    for name, note in notes.items():
        levels = note.get("Levels") if isinstance(note, dict) else None
        if isinstance(levels, dict):
            codes = {str(code) for code, level in levels.items() if _is_missing(_described(level))}
            found |= {name: codes} if codes else {}
    return found


def _is_missing(description: str) -> bool:
    return len(description.split()) <= _FEW_WORDS and bool(_MISSING.search(description))


def _described(level: object) -> str:
    return str(level.get("Description", level.get("LongName", "")) if isinstance(level, dict) else level)


def _sex(text: str) -> str:
    female, male = bool(_FEMALE.search(text)), bool(_MALE.search(text))
    return "" if female == male else "F" if female else "M"


def _of_column(notes: Notes, name: str) -> Notes:
    found = column([name], [str(key) for key in notes])
    note = notes.get(name, notes.get(found or ""))
    return note if isinstance(note, dict) else {}
