"""From items to what the exam says of each who made embeddings."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from clinimcl.evaluation.change.clusters import Replicates, metric
from clinimcl.evaluation.exam.groups import SIGNED, Variable, gap, variable
from clinimcl.evaluation.exam.items import Items
from clinimcl.evaluation.exam.linear_probe import Answers, answers
from clinimcl.evaluation.exam.partition import partition
from clinimcl.evaluation.exam.scores import SCORES, Score, class_mean, judged, over, replicates
from clinimcl.evaluation.metrics import Absent, Metric, Outcome

UNIT = (0.0, 1.0)
OWN, BESIDE = "embeddings", "beside"
DRAWS = 100  # of groups at random
GROUP_COLUMNS = ["embeddings", "metric", "variable", "group", "subjects", "value", "low", "high", "absent"]


class Exam(NamedTuple):
    metrics: dict[str, Outcome]
    groups: pd.DataFrame  # GROUP_COLUMNS
    notes: list[str]


def examine(items: Items, splits: int, seed: int, least: int) -> Exam:
    """The same items, splits and seed give the same numbers; all who made embeddings have the same splits.

    Raises:
        UserError: a class cannot be in every part of a split.
    """
    draws = [np.random.default_rng([seed, number]) for number in range(splits)]
    parts = [partition(items.subject, items.label, rng) for rng in draws]
    told = {name: [answers(vectors, items.label, part) for part in parts] for name, vectors in items.vectors.items()}
    judged_groups = [variable(items.groups[name], items.subject, least) for name in items.groups]
    variables = [one for one, _ in judged_groups if len(one.groups) > 1]
    notes = [note for _, own in judged_groups for note in own]
    notes += [f"{one.name} has no two groups to compare." for one, _ in judged_groups if len(one.groups) < 2]
    metrics: dict[str, Outcome] = {}
    rows = []
    for title, score in SCORES.items():
        metrics |= _overall(title, score, told, items)
        metrics |= _fairness(title, score, told, items, variables, seed)
        rows += _group_rows(title, score, told, items, variables)
    return Exam(metrics, pd.DataFrame(rows, columns=GROUP_COLUMNS), notes)


def titled(title: str, name: str) -> str:
    """In exam.json."""
    return title if name == OWN else f"{name}_{title}"


def _overall(title: str, score: Score, told: dict[str, list[Answers]], items: Items) -> dict[str, Outcome]:
    """Of each who made embeddings, and the first minus the second, paired by subject."""
    everyone = np.ones(len(items.label), bool)
    found = {name: replicates(score, own, items.subject, everyone) for name, own in told.items()}
    subjects = _tested(told[OWN], items, everyone)
    known = {name: over(one, subjects) for name, one in found.items() if one is not None}
    a_class = _a_class(items, everyone)
    outcomes = {
        titled(title, name): _with_levels(title, metric(one, UNIT, a_class), items) for name, one in known.items()
    }
    if BESIDE in known:
        outcomes[f"{title}_minus_beside"] = metric(known[OWN].minus(known[BESIDE]), SIGNED, a_class)
    return outcomes


def _with_levels(title: str, found: Outcome, items: Items) -> Outcome:
    """Beside what is reached without looking: guessing by the shares of the classes, or always the largest."""
    if isinstance(found, Absent):
        return found
    if title == "auroc":
        return found._replace(chance=0.5)
    counts = items.subjects_a_class()
    share = float(counts.max() / counts.sum())
    return found._replace(chance=1 / len(counts), majority=2 * share / (1 + share) / len(counts))


def _fairness(
    title: str,
    score: Score,
    told: dict[str, list[Answers]],
    items: Items,
    variables: list[Variable],
    seed: int,
) -> dict[str, Outcome]:
    """1 − the mean gap; `chance` is what groups drawn at random, as large, would reach."""
    if not len(items.groups.columns):
        return {}
    outcomes = {}
    for name, own in told.items():
        found = _gap(score, own, items, variables)
        if isinstance(found, Metric):
            at_random = _random_gap(score, own, items, variables, np.random.default_rng(seed))
            found = found._replace(value=1 - found.value, low=1 - found.high, high=1 - found.low, chance=1 - at_random)
        outcomes[titled(f"fairness_{title}", name)] = found
    return outcomes


def _gap(score: Score, own: list[Answers], items: Items, variables: list[Variable]) -> Outcome:
    grouped = [_of_groups(score, own, items, one) for one in variables]
    comparable = [[one for one in groups if one is not None] for groups in grouped]
    comparable = [groups for groups in comparable if len(groups) > 1]
    if not comparable:
        return Absent("no variable has two groups in which at least 2 tested subjects of a class stand beside 2 others")
    known = np.any([one.of_item >= 0 for one in variables], axis=0)
    subjects = _tested(own, items, known)
    return gap([[over(one, subjects) for one in groups] for groups in comparable])


def _of_groups(score: Score, own: list[Answers], items: Items, groups: Variable) -> list[Replicates | None]:
    inside = [groups.inside(number) for number in range(len(groups.groups))]
    return [replicates(score, own, items.subject, one) for one in inside]


def _random_gap(
    score: Score, own: list[Answers], items: Items, variables: list[Variable], rng: np.random.Generator
) -> float:
    """Mean over draws of groups of as many subjects."""
    gaps = []
    for one in variables:
        shuffled = np.stack([_exchanged(one, items, rng) for _ in range(DRAWS)])
        values = [_mean_score(score, own, shuffled == group) for group in range(len(one.groups))]
        gaps.append(np.ptp(np.stack(values), axis=0))
    return float(np.nanmean(gaps))


def _exchanged(one: Variable, items: Items, rng: np.random.Generator) -> Int[np.ndarray, " item"]:
    """The groups of each item when people have exchanged theirs."""
    first = np.unique(items.subject, return_index=True)[1]
    return rng.permutation(one.of_item[first])[items.subject]


def _mean_score(score: Score, own: list[Answers], inside: Bool[np.ndarray, "draw item"]) -> Float[np.ndarray, " draw"]:
    """Over the splits in which a class can be judged."""
    values = []
    for answered in own:
        weights = inside[:, answered.item].astype(float)
        values.append(class_mean(score(answered, weights), judged(answered, weights)))
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def _group_rows(
    title: str, score: Score, told: dict[str, list[Answers]], items: Items, variables: list[Variable]
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name, own in told.items():
        for one in variables:
            for number, found in enumerate(_of_groups(score, own, items, one)):
                inside = one.inside(number)
                subjects = _tested(own, items, inside)
                outcome = _of_group(found, subjects, _a_class(items, inside))
                shown = outcome[:3] if isinstance(outcome, Metric) else (None, None, None)
                absent = outcome.reason if isinstance(outcome, Absent) else ""
                rows.append((name, title, one.name, one.groups[number], len(subjects), *shown, absent))
    return rows


def _of_group(found: Replicates | None, subjects: Int[np.ndarray, " subject"], a_class: int) -> Outcome:
    if found is None:
        return Absent("no class has 2 tested subjects beside 2 of other classes")
    return metric(over(found, subjects), UNIT, a_class)


def _tested(own: Sequence[Answers], items: Items, inside: Bool[np.ndarray, " item"]) -> Int[np.ndarray, " subject"]:
    """Subjects who are tested in some split."""
    tested = np.unique(np.concatenate([one.item for one in own]))
    return np.unique(items.subject[tested[inside[tested]]])


def _a_class(items: Items, inside: Bool[np.ndarray, " item"]) -> int:
    """Harmonic mean over the classes of their subjects: what a mean over classes rests on."""
    counts = np.bincount(items.label[inside])
    counts = counts[counts > 0]
    return max(1, int(len(counts) / (1 / counts).sum()))
