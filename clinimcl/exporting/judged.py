"""What validation subjects teach the exported networks, and what test subjects say of them."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.evaluation.exported import Answered, Judged, evaluate_answers, evaluate_flags
from clinimcl.evaluation.metrics import Absent, Outcome
from clinimcl.exporting.described import Described, change_pairs_of, people_pairs, person_pairs
from clinimcl.exporting.familiarity import likenesses
from clinimcl.inference import calibration
from clinimcl.inference.card import Calibration, Score, Typed
from clinimcl.inference.networks import Networks as Exported
from clinimcl.inference.references import References


def logits(exported: Exported, found: Described, pairs: pd.DataFrame) -> Float[np.ndarray, "pair 3"]:
    earlier, later = (found.classified[pairs[name].to_numpy(int)] for name in ("earlier", "later"))
    return exported.logits(earlier, later)


def calibrate(exported: Exported, found: Described, rule: Any) -> Calibration:
    """On one person's pairs of validation subjects, each of whom counts as one."""
    pairs = change_pairs_of(found, "validation", rule)
    if pairs.empty:
        return Calibration(temperature=1.0, stable=0.0, pairs=0, subjects=0, least=None)
    subject = pd.factorize(found.scans["subject"].to_numpy()[pairs["earlier"]])[0]
    counts = np.bincount(subject)
    asked, change = logits(exported, found, pairs), pairs["change"].to_numpy(int)
    fitted = calibration.fit(asked, change, 1 / counts[subject])
    least = calibration.least_probability(fitted.probabilities(asked), change, subject)
    return Calibration(
        temperature=fitted.temperature, stable=fitted.stable, pairs=len(pairs), subjects=len(counts), least=least
    )


def score(found: Described) -> Score | None:
    if found.score is None:
        return None
    first = found.scans[found.scans["score"].notna()].iloc[0]
    return Score(name=str(first["score_name"]), higher_is=str(first["higher_is"]), error=_score_error(found))


def _score_error(found: Described) -> float | None:
    """Within which 90 % of new people's scans lie; None where no score is estimated, or subjects are too few."""
    rows = np.flatnonzero((found.scans["split"] == "validation") & found.scans["score"].notna())
    if found.score is None or not len(rows):
        return None
    off = np.abs(found.score[rows] - found.scans["score"].to_numpy(float)[rows])
    subject = pd.factorize(found.scans["subject"].to_numpy()[rows])[0]
    return calibration.covering(off, subject)


class Measured(NamedTuple):
    """On test subjects, by what travels."""

    outcomes: dict[str, Outcome]
    reliability: pd.DataFrame


def measure(exported: Exported, found: Described, known: References, parts: Typed, rule: Any, seed: int) -> Measured:
    subject = pd.factorize(found.scans["subject"].to_numpy())[0]
    pairs = change_pairs_of(found, "test", rule)
    answered = _answered(exported, found, parts.calibration, pairs, subject)
    outcomes, reliability = evaluate_answers(answered, seed)
    rows = found.split("test")
    unlike = np.maximum(
        known.appearance.distance(found.appearance[rows]) / parts.limits.appearance,
        known.embedding.distance(found.change[rows]) / parts.limits.embedding,
    )
    judged = Judged(subject[rows], subject[rows], unlike > 1)
    outcomes["flagged_as_unfamiliar"] = evaluate_flags(judged, seed, "there is no test scan")
    if parts.limits.likeness is None:
        absent = Absent("the model has no encoder that tells people apart, or no validation subject has two visits")
        return Measured(
            outcomes | dict.fromkeys(("flagged_of_one_person", "flagged_of_two_people"), absent), reliability
        )
    for name, own in (("one_person", person_pairs(found, "test")), ("two_people", people_pairs(found, "test", seed))):
        flagged = likenesses(found, known, own) < parts.limits.likeness
        judged = Judged(subject[own[:, 0]], subject[own[:, 1]], flagged)
        outcomes[f"flagged_of_{name}"] = evaluate_flags(judged, seed, "there is no such pair of test scans")
    return Measured(outcomes, reliability)


def _answered(
    exported: Exported, found: Described, rule: Calibration, pairs: pd.DataFrame, subject: Int[np.ndarray, " scan"]
) -> Answered:
    if pairs.empty:
        return Answered(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 3)), None)
    asked = calibration.Rule(rule.temperature, rule.stable).probabilities(logits(exported, found, pairs))
    within = None if rule.least is None else calibration.answer_set(asked, rule.least)
    of_pair = np.unique(subject[pairs["earlier"]], return_inverse=True)[1]
    return Answered(of_pair, pairs["change"].to_numpy(int), asked, within)
