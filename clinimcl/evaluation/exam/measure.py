"""From items to the scores of each source of embeddings."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from clinimcl.evaluation.exam.groups import Variable, gap, variable
from clinimcl.evaluation.exam.items import Items
from clinimcl.evaluation.exam.linear_probe import Answers, answers
from clinimcl.evaluation.exam.partition import partition
from clinimcl.evaluation.exam.scores import SCORES, Score, class_mean, judged, over, replicates
from clinimcl.evaluation.statistics.cluster_intervals import Replicates, class_subjects, metric, ratio
from clinimcl.evaluation.statistics.confusion import SIGNED, UNIT
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome, with_chance

MAIN, BESIDE = "embeddings", "beside"
DRAWS = 100  # of groups at random
GROUP_COLUMNS = ["embeddings", "metric", "variable", "group", "subjects", "value", "low", "high", "absent"]


class Exam(NamedTuple):
    metrics: dict[str, Outcome]
    groups: pd.DataFrame  # GROUP_COLUMNS
    notes: list[str]


def examine(items: Items, splits: int, seed: int, least: int) -> Exam:
    """The same items, splits and seed give the same numbers; all sources have the same splits.

    Raises:
        UserError: a class cannot be in every part of a split.
    """
    draws = [np.random.default_rng([seed, number]) for number in range(splits)]
    parts = [partition(items.subject, items.label, rng) for rng in draws]
    by_source = {
        name: [answers(vectors, items.label, part) for part in parts] for name, vectors in items.vectors.items()
    }
    grouped = [variable(items.groups[name], items.subject, least) for name in items.groups]
    variables = [one for one, _ in grouped if len(one.groups) > 1]
    notes = [note for _, sentences in grouped for note in sentences]
    notes += [f"{one.name} has no two groups to compare." for one, _ in grouped if len(one.groups) < 2]
    metrics: dict[str, Outcome] = {}
    rows = []
    for title, score in SCORES.items():
        metrics |= _overall(title, score, by_source, items)
        metrics |= _fairness(title, score, by_source, items, variables, seed)
        rows += _group_rows(title, score, by_source, items, variables)
    return Exam(metrics, pd.DataFrame(rows, columns=GROUP_COLUMNS), notes)


def titled(title: str, name: str) -> str:
    """In exam.json."""
    return title if name == MAIN else f"{name}_{title}"


def _overall(title: str, score: Score, by_source: dict[str, list[Answers]], items: Items) -> dict[str, Outcome]:
    """Of each source, and the first minus the second, paired by subject."""
    everyone = np.ones(len(items.label), bool)
    scored = {name: replicates(score, by_split, items.subject, everyone) for name, by_split in by_source.items()}
    subjects = _tested(by_source[MAIN], items, everyone)
    known = {name: over(one, subjects) for name, one in scored.items() if one is not None}
    a_class = _a_class(items, everyone)
    outcomes = {
        titled(title, name): _with_levels(title, metric(one, UNIT, a_class), items) for name, one in known.items()
    }
    if BESIDE in known:
        difference = metric(known[MAIN].minus(known[BESIDE]), SIGNED, a_class)
        outcomes[f"{title}_minus_beside"] = with_chance(difference, 0.0)
    return outcomes


def _with_levels(title: str, outcome: Outcome, items: Items) -> Outcome:
    """Beside what is reached without looking: guessing by the shares of the classes, or always the largest."""
    if isinstance(outcome, Absent):
        return outcome
    if title == "auroc":
        return outcome._replace(chance=0.5)
    counts = items.subjects_a_class()
    share = float(counts.max() / counts.sum())
    return outcome._replace(chance=1 / len(counts), majority=2 * share / (1 + share) / len(counts))


def _fairness(
    title: str,
    score: Score,
    by_source: dict[str, list[Answers]],
    items: Items,
    variables: list[Variable],
    seed: int,
) -> dict[str, Outcome]:
    """1 − the mean gap; `chance` is what groups drawn at random, as large, would reach."""
    if not len(items.groups.columns):
        return {}
    outcomes = {}
    for name, by_split in by_source.items():
        comparable = _comparable(score, by_split, items, variables)
        outcome = _gap(comparable, by_split, items)
        if isinstance(outcome, Metric):
            at_random = _random_gap(score, by_split, items, comparable, np.random.default_rng(seed))
            outcome = _one_minus(outcome)._replace(chance=None if at_random is None else 1 - at_random)
        outcomes[titled(f"fairness_{title}", name)] = outcome
    return outcomes


def _one_minus(gap: Metric) -> Metric:
    return gap._replace(value=1 - gap.value, low=1 - gap.high, high=1 - gap.low)


class _Comparable(NamedTuple):
    """A variable, and the scores of at least two of its groups."""

    variable: Variable
    scores: dict[int, Replicates]  # of the group of this number


def _comparable(score: Score, by_split: list[Answers], items: Items, variables: list[Variable]) -> list[_Comparable]:
    scored = [_Comparable(one, _known(_of_groups(score, by_split, items, one))) for one in variables]
    return [one for one in scored if len(one.scores) > 1]


def _known(scores: list[Replicates | None]) -> dict[int, Replicates]:
    return {number: one for number, one in enumerate(scores) if one is not None}


def _gap(comparable: list[_Comparable], by_split: list[Answers], items: Items) -> Outcome:
    if not comparable:
        return Absent("no variable has two groups in which at least 2 tested subjects of a class stand beside 2 others")
    grouped = np.any([one.variable.of_item >= 0 for one in comparable], axis=0)
    subjects = _tested(by_split, items, grouped)
    return gap([[over(scores, subjects) for scores in one.scores.values()] for one in comparable])


def _of_groups(score: Score, by_split: list[Answers], items: Items, groups: Variable) -> list[Replicates | None]:
    inside = [groups.inside(number) for number in range(len(groups.groups))]
    return [replicates(score, by_split, items.subject, one) for one in inside]


def _random_gap(
    score: Score, by_split: list[Answers], items: Items, comparable: list[_Comparable], rng: np.random.Generator
) -> float | None:
    """Mean over draws of groups of as many subjects; None where no draw can be judged."""
    gaps = []
    for one in comparable:
        shuffled = np.stack([_exchanged(one.variable, items, rng) for _ in range(DRAWS)])
        values = [_mean_score(score, by_split, shuffled == group) for group in one.scores]
        gaps.append(np.ptp(np.stack(values), axis=0))
    drawn = np.array(gaps)
    return float(np.nanmean(drawn)) if np.isfinite(drawn).any() else None


def _exchanged(one: Variable, items: Items, rng: np.random.Generator) -> Int[np.ndarray, " item"]:
    """The groups of each item when people have exchanged theirs."""
    first = np.unique(items.subject, return_index=True)[1]
    return rng.permutation(one.of_item[first])[items.subject]


def _mean_score(
    score: Score, by_split: list[Answers], inside: Bool[np.ndarray, "draw item"]
) -> Float[np.ndarray, " draw"]:
    """Over the splits in which a class can be judged."""
    values = []
    for answered in by_split:
        weights = inside[:, answered.item].astype(float)
        values.append(class_mean(score(answered, weights), judged(answered, weights)))
    known = np.isfinite(values)
    return ratio(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0).astype(float))


def _group_rows(
    title: str, score: Score, by_source: dict[str, list[Answers]], items: Items, variables: list[Variable]
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name, by_split in by_source.items():
        for one in variables:
            for number, scored in enumerate(_of_groups(score, by_split, items, one)):
                inside = one.inside(number)
                subjects = _tested(by_split, items, inside)
                outcome = _of_group(scored, subjects, _a_class(items, inside))
                ends = outcome[:3] if isinstance(outcome, Metric) else (None, None, None)
                absent = outcome.reason if isinstance(outcome, Absent) else ""
                rows.append((name, title, one.name, one.groups[number], len(subjects), *ends, absent))
    return rows


def _of_group(scored: Replicates | None, subjects: Int[np.ndarray, " subject"], a_class: int) -> Outcome:
    if scored is None:
        return Absent("no class has 2 tested subjects beside 2 of other classes")
    return metric(over(scored, subjects), UNIT, a_class)


def _tested(
    by_split: Sequence[Answers], items: Items, inside: Bool[np.ndarray, " item"]
) -> Int[np.ndarray, " subject"]:
    """Subjects who are tested in some split."""
    tested = np.unique(np.concatenate([one.item for one in by_split]))
    return np.unique(items.subject[tested[inside[tested]]])


def _a_class(items: Items, inside: Bool[np.ndarray, " item"]) -> int:
    """What a mean over classes rests on."""
    counts = np.bincount(items.label[inside])
    return class_subjects(counts[counts > 0].tolist())
