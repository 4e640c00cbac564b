"""Are all groups alike? Labels are exchanged between subjects, or within who has several."""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from clinimcl.evaluation.groups.effects import Items, effects, studentised_range

EXACT = 10_000  # labellings up to which all are tried
DRAWS = 4999  # drawn above
ENOUGH = 50  # draws as large as the truth, after which no more are needed
CHUNK = 1_000_000  # sums that are held at once
FIRST = 250  # labellings at once at most: most tests need no more


class Units(NamedTuple):
    """What exchanges its label with others of its block: subjects, or the items of one subject."""

    label: Int[np.ndarray, " unit"]
    block: Int[np.ndarray, " unit"]  # in rising order
    of_item: Int[np.ndarray, " item"]


def p_value(items: Items, label: Int[np.ndarray, " item"], groups: int, seed: int) -> float:
    """How often labels that mean nothing give a studentised range as large as the true ones.

    All labellings are tried where there are at most 10,000, else 4999 are drawn, or as many as it
    takes until 50 are as large.

    Source: Good 2005, Permutation, Parametric and Bootstrap Tests of Hypotheses, chapter 6, with
    blocks; drawn: Phipson and Smyth 2010, eq. 2; ended early: Besag and Clifford 1991, section 2;
    studentised, so that groups that vary unlike may be compared: Janssen 1997.
    """
    units = units_of(items, label)
    true = float(studentised_range(effects(items, label[None], groups))[0])
    least = true - 1e-9 * max(abs(true), 1.0) if np.isfinite(true) else true
    size = min(FIRST, max(1, CHUNK // (groups * items.subjects * items.classes)))
    as_large = tried = 0
    exact = arrangements_of(units) <= EXACT
    for labels in every(units, size) if exact else drawn(units, size, seed):
        large = studentised_range(effects(items, labels[:, units.of_item], groups)) >= least
        if not exact and as_large + large.sum() >= ENOUGH:
            needed = int(np.searchsorted(np.cumsum(large), ENOUGH - as_large)) + 1
            return ENOUGH / (tried + needed)
        as_large += int(large.sum())
        tried += len(large)
    return as_large / tried if exact else (1 + as_large) / (1 + tried)


def units_of(items: Items, label: Int[np.ndarray, " item"]) -> Units:
    """Subjects of one group exchange labels with each other, the items of others within them."""
    subject = items.cell // items.classes
    lowest = np.full(items.subjects, np.iinfo(int).max)
    highest = np.full(items.subjects, -1)
    np.minimum.at(lowest, subject, label)
    np.maximum.at(highest, subject, label)
    within = (lowest != highest)[subject]
    block = np.where(within, 1 + subject, 0)
    # a subject of one group is one unit, whatever its items; of several, each item is one
    which = np.where(within, len(label) + np.arange(len(label)), subject)
    _, first, of_item = np.unique(
        block * (2 * len(label) + items.subjects) + which, return_index=True, return_inverse=True
    )
    return Units(label[first], block[first], of_item)


def arrangements_of(units: Units) -> float:
    """How many labellings there are; infinite where they are too many to count."""
    logarithm = 0.0
    for labels in blocks(units):
        sizes = Counter(labels).values()
        logarithm += math.lgamma(len(labels) + 1) - sum(math.lgamma(size + 1) for size in sizes)
    return float(round(math.exp(logarithm))) if logarithm < 30 else math.inf


def blocks(units: Units) -> list[tuple[int, ...]]:
    """The labels of each."""
    starts = np.flatnonzero(np.diff(units.block)) + 1
    return [tuple(own.tolist()) for own in np.split(units.label, starts)]


def every(units: Units, size: int) -> Iterator[Int[np.ndarray, "stack unit"]]:
    """All labellings, so many at once."""
    of_block = [list(arrangements(labels)) for labels in blocks(units)]
    chunk = []
    for parts in product(*of_block):
        chunk.append([label for part in parts for label in part])
        if len(chunk) == size:
            yield np.array(chunk)
            chunk = []
    if chunk:
        yield np.array(chunk)


def arrangements(labels: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The different orders of labels, equal ones not being told apart."""
    if not labels:
        yield ()
    for first in sorted(set(labels)):
        place = labels.index(first)
        for others in arrangements(labels[:place] + labels[place + 1 :]):
            yield (first, *others)


def drawn(units: Units, size: int, seed: int) -> Iterator[Int[np.ndarray, "stack unit"]]:
    """4999 labellings at random, so many at once."""
    rng = np.random.default_rng(seed)
    for start in range(0, DRAWS, size):
        number = min(size, DRAWS - start)
        keys = units.block + rng.random((number, len(units.label)))
        yield units.label[np.argsort(keys, axis=1)]
