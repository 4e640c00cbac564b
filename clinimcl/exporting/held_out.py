"""What validation subjects teach the exported networks, and what test subjects say of them."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.config.settings import GROUPS
from clinimcl.evaluation.change.chance_levels import class_shares
from clinimcl.evaluation.exported.metrics import Answered, Judged, evaluate_answers, evaluate_flags
from clinimcl.evaluation.groups.comparison import GroupEvaluation
from clinimcl.evaluation.groups.headlines import Headline
from clinimcl.evaluation.groups.measure import evaluate_groups
from clinimcl.evaluation.groups.sources import pair_headlines, years_between
from clinimcl.evaluation.statistics.metrics import Absent, Outcome
from clinimcl.exporting.reference_statistics import likenesses
from clinimcl.exporting.scan_outputs import Described, change_pairs_of, people_pairs, person_pairs
from clinimcl.inference import calibration
from clinimcl.inference.card import Calibration, Score, Typed
from clinimcl.inference.onnx_networks import Networks as Exported
from clinimcl.inference.references import References


def logits(exported: Exported, found: Described, pairs: pd.DataFrame) -> Float[np.ndarray, "pair 3"]:
    earlier, later = (found.classified[pairs[name].to_numpy(int)] for name in ("earlier", "later"))
    return exported.logits(earlier, later)


def calibrate(exported: Exported, found: Described, rule: Any) -> Calibration:
    """On one person's pairs of validation subjects, each of whom counts as one; the set, by rules of the others."""
    pairs = change_pairs_of(found, "validation", rule)
    if pairs.empty:
        return Calibration(temperature=1.0, stable=0.0, pairs=0, subjects=0, least=None)
    subject = pd.factorize(found.scans["subject"].to_numpy()[pairs["earlier"]])[0]
    counts = np.bincount(subject)
    asked, change = logits(exported, found, pairs), pairs["change"].to_numpy(int)
    fitted = calibration.fit(asked, change, 1 / counts[subject])
    unseen = calibration.cross_fitted(asked, change, subject)
    least = calibration.least_probability(unseen, change, subject)
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
    shares = class_shares(change_pairs_of(found, "train", rule)["change"].to_numpy(int))
    answered = _answered(exported, found, parts.calibration, pairs, shares)
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


def compare_groups(
    exported: Exported, found: Described, rule: Calibration, change: Any, scans: pd.DataFrame, seed: int
) -> GroupEvaluation:
    """The calibrated answers to test subjects' pairs, between groups; `scans` are all of the cohort."""
    pairs = change_pairs_of(found, "test", change)
    headlines: list[Headline] = []
    if len(pairs):
        answered = _answered(exported, found, rule, pairs, pd.factorize(found.scans["subject"].to_numpy())[0])
        earlier, later = (found.scans.iloc[pairs[name]] for name in ("earlier", "later"))
        guess = answered.probabilities.argmax(axis=1)
        asked = pair_headlines(answered.change, guess, earlier, later, "exported_")
        headlines = [own._replace(years=years_between(earlier, later)) for own in asked]
    return evaluate_groups(headlines, scans, GROUPS, seed)


def _answered(
    exported: Exported, found: Described, rule: Calibration, pairs: pd.DataFrame, shares: Float[np.ndarray, "3"]
) -> Answered:
    if pairs.empty:
        return Answered(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 3)), None, shares)
    asked = calibration.Rule(rule.temperature, rule.stable).probabilities(logits(exported, found, pairs))
    within = None if rule.least is None else calibration.answer_set(asked, rule.least)
    of_pair = pd.factorize(found.scans["subject"].to_numpy()[pairs["earlier"]], sort=True)[0]
    return Answered(of_pair, pairs["change"].to_numpy(int), asked, within, shares)
