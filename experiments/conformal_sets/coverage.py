"""Do sets of answers hold the truth of 90 % of new people, by whom the rule and its limit were taught?

python experiments/conformal_sets/coverage.py [repeats]
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import softmax

from clinimcl.inference.calibration import Rule, answer_set, cross_fitted, fit, least_probability

SUBJECTS = (5, 10, 20, 40, 100)
EACH = {"one": (1, 1), "three": (3, 3), "one to six": (1, 6)}  # pairs of a subject
SHARES = {"a third each": (1 / 3, 1 / 3, 1 / 3), "10/86/4 %": (0.10, 0.86, 0.04)}
NEW = 400  # people, each asked for one pair
ALIKE = 0.5  # share of the variance of logits that a subject's pairs have in common


class People(NamedTuple):
    logits: Float[np.ndarray, "pair 3"]  # of a network that is too sure, and of balanced classes
    change: Int[np.ndarray, " pair"]
    subject: Int[np.ndarray, " pair"]


def draw(subjects: int, each: tuple[int, int], shares: tuple[float, ...], rng: np.random.Generator) -> People:
    """Truth is drawn from the softmax of what a subject and a pair add to the log of the shares."""
    subject = np.repeat(np.arange(subjects), rng.integers(each[0], each[1] + 1, subjects))
    own, added = rng.normal(size=(subjects, 3)), rng.normal(size=(len(subject), 3))
    evidence = 1.5 * (np.sqrt(ALIKE) * own[subject] + np.sqrt(1 - ALIKE) * added)
    true = softmax(evidence + np.log(shares), axis=1)
    change = (rng.random((len(true), 1)) > true.cumsum(axis=1)[:, :2]).sum(axis=1)
    return People(3 * evidence + rng.normal(size=evidence.shape), change, subject)


Limit = Callable[[People], float | None]


def weights(people: People) -> Float[np.ndarray, " pair"]:
    return 1 / np.bincount(people.subject)[people.subject]


def same_people(people: People) -> float | None:
    """The rule and the limit by the same: as it was."""
    rule = fit(people.logits, people.change, weights(people))
    return least_probability(rule.probabilities(people.logits), people.change, people.subject)


def others(people: People) -> float | None:
    """As it is now: each subject's probabilities by a rule of the others."""
    return least_probability(cross_fitted(*people), people.change, people.subject)


def halves(people: People) -> float | None:
    """The limit by one half of the subjects, the rule that it is for by the other."""
    taught = people.subject % 2 == 0
    rule = fit(people.logits[taught], people.change[taught], weights(people)[taught])
    rest = People(*(part[~taught] for part in people))
    return least_probability(rule.probabilities(rest.logits), rest.change, rest.subject)


WAYS: dict[str, Limit] = {"same people": same_people, "others": others, "halves": halves}


class Result(NamedTuple):
    sets: float  # share of repeats in which there was a limit
    coverage: float  # of new people, mean over these
    error: float  # standard error of it
    size: float


def measure(way: Limit, subjects: int, each: tuple[int, int], shares: tuple[float, ...], repeats: int) -> Result:
    held, sizes = [], []
    for seed in range(repeats):
        rng = np.random.default_rng((seed, subjects, each[1]))
        people, new = draw(subjects, each, shares, rng), draw(NEW, (1, 1), shares, rng)
        limit = way(people)
        if limit is None:
            continue
        within = answer_set(rule_of(way, people).probabilities(new.logits), limit)
        held.append(within[np.arange(NEW), new.change].mean())
        sizes.append(within.sum(axis=1).mean())
    if not held:
        return Result(0.0, np.nan, np.nan, np.nan)
    error = float(np.std(held) / np.sqrt(len(held)))
    return Result(len(held) / repeats, float(np.mean(held)), error, float(np.mean(sizes)))


def rule_of(way: Limit, people: People) -> Rule:
    """The rule that answers new people."""
    taught = people.subject % 2 == 0 if way is halves else people.subject >= 0
    return fit(people.logits[taught], people.change[taught], weights(people)[taught])


def main(repeats: int) -> None:
    print("| classes | pairs of a subject | subjects | " + " | ".join(WAYS) + " |")
    print("| --- | --- | --: | " + " | ".join("--:" for _ in WAYS) + " |")
    for classes, shares in SHARES.items():
        for pairs, each in EACH.items():
            for subjects in SUBJECTS:
                found = [measure(way, subjects, each, shares, repeats) for way in WAYS.values()]
                cells = [
                    f"{own.coverage:.3f} ± {own.error:.3f}, {own.size:.2f}" if own.sets else "none" for own in found
                ]
                print(f"| {classes} | {pairs} | {subjects} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
