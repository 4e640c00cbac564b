from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from clinimcl.cohorts.change import ChangeRule
from clinimcl.evaluation.change.inputs import ChangeInputs

RULE = ChangeRule("better", 3.0, ())


def scan_table(subjects: int, rng: np.random.Generator) -> pd.DataFrame:
    """Three sessions a subject, a year apart, on a course that falls, stays or rises; all but 12 are tested."""
    rows = []
    for number in range(12 + subjects):
        start, slope = rng.uniform(15, 25), (-4.0, 0.0, 4.0)[number % 3]
        rows += [
            {
                "subject": f"ADNI{number}",
                "session": f"M{visit}",
                "day": 365.25 * visit,
                "score": start + slope * visit + rng.normal(scale=0.3),
                "truth": start + slope * visit,
                "score_name": "MMSE",
                "higher_is": "better",
                "age": 70.0 + number % 9 + visit,
                "sex": "FM"[number % 2],
                "site": None if number % 5 == 0 else str(number % 2),
                "zone": "",
                "split": "train" if number < 12 else "test",
            }
            for visit in range(3)
        ]
    return pd.DataFrame(rows)


def pairs_of(scans: pd.DataFrame, places: list[tuple[int, int]]) -> pd.DataFrame:
    score = scans["score"].to_numpy()
    earlier, later = np.array(places).T
    change = RULE.change(score[earlier], score[later])
    return pd.DataFrame({"earlier": earlier, "later": later, "change": change, "answer": np.arange(len(places))})


def one_hot(change: np.ndarray, sure: float = 0.9) -> np.ndarray:
    return np.eye(3)[change] * (sure - (1 - sure) / 2) + (1 - sure) / 2


@pytest.fixture(scope="session")
def given() -> Callable[..., ChangeInputs]:
    """Inputs of a phantom whose embeddings know the score; the classifier is always right until replaced."""

    def build(subjects: int = 9, kind: str = "intra-subject") -> ChangeInputs:
        rng = np.random.default_rng(0)
        scans = scan_table(subjects, rng)
        score = scans["score"].to_numpy()
        inter = [(row, int(rng.integers(36))) for row in range(36) for _ in range(3)]
        train = pairs_of(scans, [(a, b) for a, b in inter if a // 3 != b // 3])
        tested = range(36, len(scans))
        test = pairs_of(
            scans, [(a, b) for a, b in combinations(tested, 2) if (a // 3 == b // 3) == (kind[:5] == "intra")]
        )
        test = test if kind == "intra-subject" else test[::7].assign(answer=range(len(test[::7])))
        change = test["change"].to_numpy()
        visits = [(3 * subject + a, 3 * subject + b) for subject in range(12) for a, b in combinations(range(3), 2)]
        return ChangeInputs(
            scans=scans.drop(columns="truth"),
            embeddings=np.stack([score - 20, np.full(len(score), 8.0), rng.normal(size=len(score))], axis=1),
            predicted=score + rng.normal(scale=0.5, size=len(score)),
            pixels=rng.normal(size=(len(score), 40)),
            truth=scans["truth"].to_numpy(),
            train=train,
            alike=pairs_of(scans, visits) if kind == "intra-subject" else train,
            test=test,
            probabilities=one_hot(change),
            swapped=one_hot(2 - change),
            kind=kind,
            rule=RULE,
            tuned=False,
            refit=None,
        )

    return build
