"""What an exported model says of itself: `card.json`, and the digests by which its folder is believed."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import final

from clinimcl.config.building import settings
from clinimcl.config.settings import Node
from clinimcl.errors import UserError
from clinimcl.storage.files import write_json, write_text

FORMAT = 1  # of a model without what harmonises; raise both when an older version would misread the card
HARMONISED_FORMAT = 2  # an older version would ask the classifier about embeddings that are not harmonised
CARD = "card.json"
SUMS = "SHA256SUMS"  # as sha256sum writes and checks them


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Input:
    """How a scan becomes what the encoder sees."""

    kind: str  # volume, or clip
    preparation: Node  # as in the run's config.yaml
    slices: int | None  # of a volume, as frames
    shape: Sequence[int]  # without batch and channel
    thickest: float | None  # mm between slices; None where there is no such limit


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Score:
    name: str
    higher_is: str  # better, or worse
    error: float | None  # 90 % of new people's scans lie within it, in units of the score; None: too few to tell


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Calibration:
    """How logits become probabilities, and probabilities a set of answers.

    `pairs` of `subjects` of validation, who also chose the classifier's epoch; 0 where there were none, and the
    probabilities are as the classifier's.
    """

    temperature: float
    stable: float  # added to the logit of stable
    pairs: int
    subjects: int
    least: float | None  # probability of an answer in the 90 % set; None: too few subjects for a set

    @property
    def sentence(self) -> str:
        if not self.pairs:
            return "uncalibrated: no validation subject has two visits with a score"
        return f"calibrated on {self.pairs} pairs of {self.subjects} validation subjects"


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """Beyond what a scan is unlike those that trained the model, and two scans are unlike one person."""

    appearance: float
    embedding: float
    likeness: float | None  # least of one person's scans (`People.ratio`); None: it cannot tell people apart


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """What predicting needs, typed; what is for people to read (`told`), as it stands."""

    format: int
    name: str
    input: Node
    score: Node | None  # None: the model estimates no score
    calibration: Node
    limits: Node
    files: Node  # SHA-256 by name
    told: Node

    def typed(self) -> "Typed":
        return Typed(
            settings(Input, self.input),
            settings(Score, self.score) if self.score else None,
            settings(Calibration, self.calibration),
            settings(Limits, self.limits),
        )


@final
@dataclasses.dataclass(frozen=True)
class Typed:
    input: Input
    score: Score | None
    calibration: Calibration
    limits: Limits


def read_card(folder: Path) -> Card:
    """The card of a folder in which every file is what was exported.

    Raises:
        UserError: a file is missing or has been changed, or a later version of clinimcl wrote it.
    """
    path = folder / CARD
    if not path.is_file():
        raise UserError(
            f"model={folder} must be the folder of an exported model, which holds {CARD}: see clinimcl.export"
        )
    try:
        found = json.loads(path.read_text("utf-8"))
        version = found["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({type(error).__name__}): export the model again") from None
    if type(version) is not int or version > HARMONISED_FORMAT:
        raise UserError(
            f"{path} has format {version}, this version of clinimcl reads up to {HARMONISED_FORMAT}: install a newer "
            "clinimcl"
        )
    sums = _checked(folder)
    card = settings(Card, found)
    if card.files != {name: digest for name, digest in sums.items() if name in card.files}:
        raise UserError(f"{path} and {SUMS} are of two models: copy the whole folder again")
    return card


def _checked(folder: Path) -> dict[str, str]:
    """The sums, after every file they name was compared with its own."""
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        raise UserError(f"model={folder} is incomplete: {SUMS} is missing; copy the whole folder again") from None
    expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if CARD not in expected:
        raise UserError(f"{folder / SUMS} does not name {CARD}: copy the whole folder again")
    for name, digest in expected.items():
        if Path(name).name != name or not (folder / name).is_file():
            raise UserError(f"model={folder} is incomplete: {name} is missing; copy the whole folder again")
        if sha256(folder / name) != digest:
            raise UserError(
                f"{folder / name} is damaged or was changed: its SHA-256 is not that of {SUMS}; copy it again"
            )
    return expected


def write_sums(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir() if path.name != SUMS)
    write_text("".join(f"{sha256(folder / name)}  {name}\n" for name in names), folder / SUMS)


def write_card(card: Card, folder: Path) -> None:
    write_json(dataclasses.asdict(card), folder / CARD)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path) for path in sorted(folder.iterdir())}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
