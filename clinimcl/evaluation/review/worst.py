"""The pairs on which a run was most sure and wrong."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.change.answers import answers_of, places
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.contrastive.retrieval import DAYS_PER_YEAR, cosine_similarity, other_sessions, same
from clinimcl.evaluation.durations import time_unit

MOST = 10


class Worst(NamedTuple):
    """A row of `table` is a pair, worst first; it names no subject but by pseudonym."""

    table: pd.DataFrame
    paths: list[tuple[str, str]]  # of the two scans of each row
    wrong: int
    asked: int  # of which so many were wrong
    sentence: str  # what was wrong, after "3 of 40"
    roles: tuple[str, str]  # of the two scans
    order: str  # how the rows are


def worst_answers(inputs: ChangeInputs, names: dict[str, str]) -> Worst:
    """Wrong answers by how much more probable the given answer was called than the true one."""
    answers = answers_of(inputs)
    probabilities = answers.mean(inputs.probabilities)
    answered = probabilities.argmax(axis=1)
    rows = np.arange(len(answered))
    excess = probabilities[rows, answered] - probabilities[rows, answers.change]
    wrong = np.flatnonzero(answered != answers.change)
    chosen = wrong[np.argsort(-excess[wrong], kind="stable")][:MOST]
    first = np.unique(answers.of_pair, return_index=True)[1][chosen]
    earlier, later = (own[first] for own in places(inputs))
    table = pd.DataFrame(
        {
            **described(inputs.scans, earlier, later, names),
            "score_earlier": inputs.scans["score"].to_numpy(float)[earlier],
            "score_later": inputs.scans["score"].to_numpy(float)[later],
            "true": np.array(CHANGES)[answers.change[chosen]],
            "answered": np.array(CHANGES)[answered[chosen]],
            "probability_answered": probabilities[chosen, answered[chosen]],
            "probability_true": probabilities[chosen, answers.change[chosen]],
        }
    )
    found = ranked(table), paths(inputs.scans, earlier, later), len(wrong), len(answered)
    order = "ordered by the probability of the answer, less that of the truth"
    return Worst(*found, "answers were wrong", ("earlier", "later"), order)


def worst_retrievals(scans: pd.DataFrame, vectors: Float[np.ndarray, "scan dimension"], names: dict[str, str]) -> Worst:
    """Scans that lie nearest to another person's, by how much nearer than to the nearest of their own subject."""
    similarity = cosine_similarity(vectors)
    own = np.where(other_sessions(scans), similarity, -np.inf)
    others = np.where(same(scans["subject"]), -np.inf, similarity)
    asked = np.flatnonzero(np.isfinite(own).any(axis=1) & np.isfinite(others).any(axis=1))
    nearest = others.argmax(axis=1)
    excess = others.max(axis=1)[asked] - own.max(axis=1)[asked]
    wrong = asked[excess > 0]
    chosen = wrong[np.argsort(-excess[excess > 0], kind="stable")][:MOST]
    table = pd.DataFrame(
        {
            **described(scans, chosen, nearest[chosen], names),
            "similarity_found": others.max(axis=1)[chosen],
            "similarity_own": own.max(axis=1)[chosen],
        }
    )
    found = ranked(table), paths(scans, chosen, nearest[chosen]), len(wrong), len(asked)
    order = "ordered by the similarity of who was found, less that of the own subject"
    return Worst(*found, "searches found another person first", ("searched with", "found"), order)


def described(
    scans: pd.DataFrame, earlier: np.ndarray, later: np.ndarray, names: dict[str, str]
) -> dict[str, np.ndarray]:
    """Pseudonyms of both scans, and the years or days between them where they are of one person."""
    subject = scans["subject"].astype(str).map(names).to_numpy()
    day = scans["day"].to_numpy(float)
    years = (day[later] - day[earlier]) / DAYS_PER_YEAR
    alike = subject[earlier] == subject[later]
    between = np.where(alike, years, np.nan)
    unit, per_year = time_unit(between)
    return {"subject": subject[earlier], "other": subject[later], unit: per_year * between}


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(rank=np.arange(1, len(table) + 1))[["rank", *table.columns]]


def paths(scans: pd.DataFrame, earlier: np.ndarray, later: np.ndarray) -> list[tuple[str, str]]:
    path = scans["path"].to_numpy(str)
    return list(zip(path[earlier].tolist(), path[later].tolist(), strict=True))
