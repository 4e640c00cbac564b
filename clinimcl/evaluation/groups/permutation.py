"""Are all groups alike? Labels are exchanged between subjects, or within who has several."""

import math
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from clinimcl.evaluation.groups.effects import Items, effects, studentised_range
from clinimcl.evaluation.statistics.metrics import Absent

EXACT = 10_000  # labellings up to which all are tried
DRAWS = 4999  # drawn above, unless more are asked for
ONE_IN = 20  # labellings may be as large as the truth where equality is rejected: 5 %
ENOUGH = 50  # draws as large as the truth, after which no more are needed
CHUNK = 1_000_000  # sums that are held at once
FIRST = 250  # labellings at once at most: most tests need no more

Ranges = Float[np.ndarray, " labelling"]
Stack = Int[np.ndarray, "stack unit"]


class Units(NamedTuple):
    """What exchanges its label with others of its block: subjects, or the items of one subject."""

    label: Int[np.ndarray, " unit"]
    block: Int[np.ndarray, " unit"]  # in rising order
    of_item: Int[np.ndarray, " item"]


class Equality(NamedTuple):
    """`p` is at most 0.05 just where the true labels' studentised range is above `critical`."""

    p: float
    critical: float


def equality_test(
    items: Items, label: Int[np.ndarray, " item"], groups: int, seed: int, draws: int = DRAWS
) -> Equality | Absent:
    """How often labels that mean nothing give a studentised range as large as the true ones.

    All labellings are tried where there are at most 10,000, else `draws` are drawn, or as many as
    it takes until 50 are as large. Absent where fewer than 20 exist: then p is above 0.05 anyhow.

    Source: Good 2005, Permutation, Parametric and Bootstrap Tests of Hypotheses, chapter 6, with
    blocks; drawn: Phipson and Smyth 2010, eq. 2; ended early: Besag and Clifford 1991, section 2;
    studentised, so that groups that vary unlike may be compared: Janssen 1997.
    """
    units = units_of(items, label)
    labellings = arrangements_of(units)
    if labellings < ONE_IN:
        return Absent("too few of its subjects have the same classes and are of different groups")
    size = min(FIRST, max(1, CHUNK // (groups * items.subjects * items.classes)))
    exact = labellings <= EXACT
    stacks = every(units, size) if exact else drawn(units, size, seed, draws)
    true = float(studentised_range(effects(items, label[None], groups))[0])
    least = true - 1e-9 * max(abs(true), 1.0) if np.isfinite(true) else true
    ranges = (studentised_range(effects(items, own[:, units.of_item], groups)) for own in stacks)
    if exact:
        return tested(np.concatenate(list(ranges)), least, 0)
    found = until_enough(ranges, least)
    return tested(found, least, int(len(found) == draws))


def until_enough(ranges: Iterator[Ranges], least: float) -> Ranges:
    """All, or those up to the 50th that is at least `least`."""
    found = np.empty(0)
    for more in ranges:
        found = np.concatenate([found, more])
        large = np.flatnonzero(found >= least)
        if len(large) >= ENOUGH:
            return found[: large[ENOUGH - 1] + 1]
    return found


def tested(ranges: Ranges, least: float, true: int) -> Equality:
    """`true`: 1 where the true labelling counts beside those of `ranges`, 0 where it is in them."""
    p = float((ranges >= least).sum() + true) / (len(ranges) + true)
    allowed = (len(ranges) + true) // ONE_IN - true
    return Equality(p, float(np.sort(ranges)[::-1][max(allowed, 0)]))


def units_of(items: Items, label: Int[np.ndarray, " item"]) -> Units:
    """Subjects of one group exchange labels with each other, the items of others within them.

    They do so only among those that have items of the same classes: where a class is rarer in one
    group than in another, the values of a mean over classes vary unlike, whoever is right.
    """
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
    return by_classes(Units(label[first], block[first], of_item), items)


def by_classes(units: Units, items: Items) -> Units:
    """With a block for each set of classes that units of one block have."""
    has = np.zeros((len(units.label), items.classes), dtype=int)
    has[units.of_item, items.cell % items.classes] = 1
    kinds = np.column_stack([units.block, has])
    block = np.unique(kinds, axis=0, return_inverse=True)[1].ravel()
    order = np.argsort(block, kind="stable")
    return Units(units.label[order], block[order], np.argsort(order)[units.of_item])


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


def every(units: Units, size: int) -> Iterator[Stack]:
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


def drawn(units: Units, size: int, seed: int, draws: int) -> Iterator[Stack]:
    """Labellings at random, so many at once."""
    rng = np.random.default_rng(seed)
    for start in range(0, draws, size):
        number = min(size, draws - start)
        keys = units.block + rng.random((number, len(units.label)))
        yield units.label[np.argsort(keys, axis=1)]
