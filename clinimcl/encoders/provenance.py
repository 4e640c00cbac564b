"""What lies beside weights and says what they expect, and who trained them."""

import dataclasses
import json
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, final

from clinimcl.errors import UserError
from clinimcl.pseudonyms import keyed
from clinimcl.storage.files import write_json


@final
@dataclasses.dataclass(frozen=True)
class Contract:
    """
    The hashes let whoever knows an id ask whether that subject trained the weights. They do not hide ids that can be
    guessed: treat a contract like the weights themselves.
    """

    input: str  # such as "clip 8x224x224"
    intensity: list[float]  # lowest, highest
    cohorts: list[str]
    subjects: list[str]  # of training, `hashed` with `salt`
    salt: str
    licence: str

    @property
    def sentence(self) -> str:
        lowest, highest = self.intensity
        return (
            f"trained on {len(self.subjects)} subjects of {', '.join(self.cohorts) or 'no cohort'}, "
            f"input {self.input} with intensities from {lowest:g} to {highest:g}, licence {self.licence}"
        )


def hashed(subjects: Iterable[str], salt: str) -> list[str]:
    """A pseudonym a subject, sorted, so that their order tells nothing."""
    return sorted(keyed(subjects, salt.encode()).values())


def overlap(contract: Contract, subjects: Iterable[str]) -> int:
    """How many of `subjects` are among those who trained the weights."""
    return len(set(hashed(subjects, contract.salt)) & set(contract.subjects))


def made(
    input: str, cohort: str, subjects: Iterable[str], licence: str = "not stated", earlier: Contract | None = None
) -> Contract:
    """Of weights that `subjects` trained, and those, too, who trained the weights that they started from."""
    salt = earlier.salt if earlier else secrets.token_hex(8)
    return Contract(
        input,
        [0.0, 1.0],
        sorted({cohort, *(earlier.cohorts if earlier else ())}),
        sorted({*hashed(subjects, salt), *(earlier.subjects if earlier else ())}),
        salt,
        licence,
    )


def check_new(weights: Path, subjects: Sequence[str], allowed: bool, must_tell: bool = True) -> int:
    """How many of these held-out subjects trained the weights.

    Raises:
        UserError: there are such, or the weights must tell and do not, and that is not allowed.
    """
    contract = read_contract(weights)
    if contract is None and must_tell and not allowed:
        raise UserError(
            f"{weights} has no contract beside it that tells who trained it, so that held-out subjects may be among "
            "them: copy the contract with the weights, train again, or set allow_overlap=true"
        )
    known = overlap(contract, subjects) if contract else 0
    if known and not allowed:
        raise UserError(
            f"{known} held-out subjects have the ids of subjects who trained {weights}, so that they would say nothing "
            "about new people: choose another cohort.split.seed, or, if they are other people, set "
            "allow_overlap=true, which the results then say"
        )
    return known


def contract_path(weights: Path) -> Path:
    return weights.with_name(f"{weights.name}.contract.json")


def write_contract(weights: Path, contract: Contract) -> None:
    write_json(dataclasses.asdict(contract), contract_path(weights))


def read_contract(weights: Path) -> Contract | None:
    """None where there is none.

    Raises:
        UserError: it is damaged, or lacks a field.
    """
    path = contract_path(weights)
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({type(error).__name__}): expected a contract in JSON") from None
    wrong = _wrong(found)
    if wrong:
        raise UserError(f"{path}: {wrong}")
    return Contract(**found | {"intensity": [float(value) for value in found["intensity"]]})


def _wrong(found: Any) -> str:
    names = [field.name for field in dataclasses.fields(Contract)]
    if not isinstance(found, dict) or set(found) != set(names):
        got = ", ".join(found) if isinstance(found, dict) else type(found).__name__
        return f"a contract must have the fields {', '.join(names)}, got {got}"
    for name in ("cohorts", "subjects"):
        if not isinstance(found[name], list) or not all(isinstance(value, str) for value in found[name]):
            return f"{name} must be a list of strings"
    for name in ("input", "salt", "licence"):
        if not isinstance(found[name], str):
            return f"{name} must be a string, got {found[name]!r}"
    intensity = found["intensity"]
    if not isinstance(intensity, list) or len(intensity) != 2 or not all(type(v) in (int, float) for v in intensity):
        return f"intensity must be the lowest and the highest value, got {intensity!r}"
    return ""
