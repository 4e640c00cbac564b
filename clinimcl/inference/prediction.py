"""What a model says of two scans: an answer with its uncertainty, or why there is none."""

from typing import Any, NamedTuple

import numpy as np

from clinimcl.cohorts.change import CHANGES
from clinimcl.harmonisation.numbers import FILE
from clinimcl.inference.calibration import answer_set
from clinimcl.inference.flags import assumptions, flags
from clinimcl.inference.input_scans import Given, Refused
from clinimcl.inference.model import Embedded, Model
from clinimcl.preparation.formats.reading import Scan

RESEARCH = "For research, not a medical device."
UNLIKE = {
    "appearance": "looks unlike the scans that trained the model (another contrast, field of view or body part?)",
    "embedding": "is unlike the scans that trained the model, as its encoder sees it",
}


def number(value: float) -> str:
    """Three digits, or all before the point, with a true minus sign."""
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace("-", "−")


class Answer(NamedTuple):
    """`change` has the probability of each answer; `likely` are those in the 90 % set, None where there is no set."""

    change: dict[str, float]
    likely: list[str] | None
    scores: tuple[float, float] | None  # estimated, of the earlier and the later scan
    likeness: float | None
    flags: list[str]
    calibration: str  # in words

    @property
    def answered(self) -> str:
        return max(self.change, key=lambda name: self.change[name])


class Asked(NamedTuple):
    """Two scans and what the networks say of them, the earlier one first."""

    earlier: Given
    later: Given
    embedded: Embedded
    scanners: tuple[str | None, str | None] = (None, None)  # of a model that harmonises; None: not known


def ask(
    model: Model,
    earlier: Given,
    later: Given,
    scanners: tuple[str | None, str | None] = (None, None),
) -> Asked:
    """
    Raises:
        Refused: the two are one file, or a scan is unlike those that the model knows.
    """
    if earlier.content == later.content or np.array_equal(earlier.prepared, later.prepared):
        raise Refused("the earlier and the later scan are one and the same: give two scans of different days")
    embedded = model.embed(np.stack([model.seen(scan.prepared) for scan in (earlier, later)]))
    for row, scan in enumerate((earlier, later)):
        found = model.unlikeness(scan.prepared, embedded.change[row])
        if not all(np.isfinite(value) for value in found.values()):
            raise Refused(f"the {scan.role} scan gives the model no finite numbers")
        worst = max(found, key=lambda name: found[name])
        if found[worst] > 1:
            raise Refused(
                f"the {scan.role} scan is out of distribution: it {UNLIKE[worst]} ({found[worst]:.3g} times the limit)"
            )
    return Asked(earlier, later, embedded, scanners)


def answer(model: Model, asked: Asked, days: tuple[str | None, str | None] = (None, None)) -> Answer:
    """Dates as they were given, if they were: compared, and not kept."""
    change, parts = model.classified(asked.embedded.change, asked.scanners)[0], model.parts
    asked_both_ways = model.logits(change[:1], change[1:])
    probabilities = model.rule.probabilities(asked_both_ways)
    least, likely = parts.calibration.least, None
    if least is not None:
        within = answer_set(probabilities, least)[0]
        likely = [name for name, inside in zip(CHANGES, within, strict=True) if inside]
    scores = asked.embedded.score
    identity = asked.embedded.identity
    likeness = None if identity is None else model.likeness(identity)
    volumes = [scan.decoded for scan in (asked.earlier, asked.later) if isinstance(scan.decoded, Scan)]
    return Answer(
        dict(zip(CHANGES, probabilities[0].tolist(), strict=True)),
        likely,
        None if scores is None else (float(scores[0]), float(scores[1])),
        likeness,
        [
            *flags(parts.limits, likeness, volumes, days),
            *unharmonised(model, asked),
            *assumptions(asked.earlier, asked.later),
        ],
        parts.calibration.sentence,
    )


def unharmonised(model: Model, asked: Asked) -> list[str]:
    """Scans of scanners that did not train the model: they are answered, since nothing else is known to be wrong."""
    if model.harmonisation is None:
        given = any(scanner is not None for scanner in asked.scanners)
        return ["the scanners that were given change nothing: this model does not harmonise"] if given else []
    known = model.classified(asked.embedded.change, asked.scanners)[1]
    factor, sites = model.harmonisation.factor, len(model.harmonisation.sites)
    found = []
    for harmonised, role, scanner in zip(known, ("earlier", "later"), asked.scanners, strict=True):
        if not harmonised:
            why = f"is none of the {sites} that {FILE} names" if scanner else f"is not given ({role}_scanner=)"
            found.append(
                f"the {factor} of the {role} scan {why}: its embedding is not harmonised, and the "
                f"answer may tell of the {factor} instead of the person"
            )
    return found


def sentences(model: Model, found: Answer) -> list[str]:
    """For the terminal and the page."""
    order = sorted(found.change, key=lambda name: -found.change[name])
    lines = [f"{found.answered}: " + ", ".join(f"{name} {found.change[name]:.0%}" for name in order)]
    if found.likely is not None:
        likely = " or ".join(sorted(found.likely, key=order.index))
        lines.append(f"90 % set, meant to hold the truth for 9 of 10 people: {likely}")
    else:
        lines.append("90 % set: none, since too few people were there to limit it")
    lines.append(f"probabilities: {found.calibration}")
    if found.scores is not None and model.parts.score is not None:
        own, (before, after) = model.parts.score, found.scores
        error = f" (each within {number(own.error)} for 90 % of new people's scans)" if own.error is not None else ""
        lines.append(f"estimated {own.name}: {number(before)} → {number(after)}{error}; higher is {own.higher_is}")
    if found.likeness is None:
        lines.append("same person? this model cannot tell")
    elif found.likeness >= (model.parts.limits.likeness or 0):
        lines.append("same person? nothing speaks against it")
    return [*lines, *(f"flag: {flag}" for flag in found.flags), RESEARCH]


def record(found: Answer) -> dict[str, Any]:
    """As JSON holds it: nothing of the files."""
    return {**found._asdict(), "answered": found.answered, "for": RESEARCH}
