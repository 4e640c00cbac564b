"""Cohorts with and without a planted bias: a scan table, and what an encoder makes of each scan."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

SITES = ("A", "B", "C")
SCANNERS = ("X", "Y", "Z")  # models, each at every site
VISITS = 3
DIMENSIONS = 64
SCORE, POINTS = 26.0, 2.5  # at a severity of 0, and lost for each deviation of severity
RATING = 1.0  # points of chance between two ratings of one state
FLUCTUATION = 0.5  # of severity between visits, in its deviations; nobody has a course
ANATOMY = 0.4  # what tells people apart, in each dimension
SESSION = 0.15  # what tells two sessions of a person apart
UNLIKE = 0.45  # the same of an encoder of persons that is often wrong
SEEN = 3.0  # what a deviation of severity or age moves a scan by


Vectors = Float[np.ndarray, "scan dimension"]


class Plan(NamedTuple):
    """How large a cohort is, and what is wrong with it."""

    tested: int = 300  # subjects
    trained: int = 450
    shift: float = 0.0  # points by which site B rates lower, in the table
    angle: float = 70.0  # degrees between what severity does to a woman's and to a man's scan
    women: float = 1.0  # share of the training women who are left


class Cohort(NamedTuple):
    scans: pd.DataFrame
    vectors: Vectors  # of an encoder of health
    identity: Vectors  # of an encoder of persons, which sees nothing of health or age


def cohort(plan: Plan, seed: int) -> Cohort:
    """Sex, site, scanner and age have no say in severity, in its course, or in the rating."""
    rng = np.random.default_rng(seed)
    people = who(plan, rng)
    scans = visits(people, plan, rng)
    person = scans["subject"].factorize()[0]
    anatomy = rng.normal(0, ANATOMY, (person.max() + 1, DIMENSIONS))[person]
    seen = anatomy + rng.normal(0, SESSION, anatomy.shape)
    identity = anatomy + rng.normal(0, UNLIKE, anatomy.shape)
    vectors = seen + health(scans, plan, rng)
    return Cohort(scans.drop(columns="severity"), vectors, identity)


def who(plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    """A row a subject, as many women as men on each side; some training women never come."""
    count = plan.trained + plan.tested
    split = np.repeat(["train", "test"], [plan.trained, plan.tested])
    people = pd.DataFrame(
        {
            "subject": [f"S{number:04d}" for number in range(count)],
            "split": split,
            "sex": np.resize(["F", "M"], count),
            "site": rng.choice(SITES, count),
            "scanner": rng.choice(SCANNERS, count),
            "entry": rng.normal(72, 7, count),
            "stage": rng.normal(size=count),
        }
    )
    lost = (people["split"] == "train") & (people["sex"] == "F")
    lost &= rng.random(count) >= plan.women
    return people[~lost]


def visits(people: pd.DataFrame, plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    """The scan table, with the true severity."""
    scans = people.loc[people.index.repeat(VISITS)].reset_index(drop=True)
    number = np.tile(np.arange(VISITS), len(people))
    waited = rng.uniform(0.5, 3.0, len(scans)) * 365.25
    scans["day"] = pd.Series(np.where(number > 0, waited, 0.0)).groupby(scans["subject"]).cumsum()
    scans["session"] = [f"v{visit}" for visit in number]
    scans["path"] = scans["subject"] + "_" + scans["session"]
    scans["age"] = scans["entry"] + scans["day"] / 365.25
    scans["severity"] = scans["stage"] + rng.normal(0, FLUCTUATION, len(scans))
    rated = SCORE - POINTS * scans["severity"] + rng.normal(0, RATING, len(scans))
    scans["score"] = (rated - plan.shift * (scans["site"] == "B")).round()
    told = {"score_name": "MMSE", "higher_is": "better", "zone": "", "run": "", "modality": "T1w"}
    return scans.drop(columns=["entry", "stage"]).assign(**told)


def health(scans: pd.DataFrame, plan: Plan, rng: np.random.Generator) -> Vectors:
    """Age, and two traits in a plane: severity, and one that is no illness.

    In women the plane is turned one way, in men the other, so that what tells severity in one sex
    is partly the harmless trait of the other. No line fits both, and a fit to as many women as men
    errs alike for both.
    """
    person = scans["subject"].factorize()[0]
    axes = np.linalg.qr(rng.normal(size=(DIMENSIONS, 3)))[0].T
    turn = np.deg2rad(plan.angle / 2) * np.where(scans["sex"] == "F", 1, -1)
    severity = scans["severity"].to_numpy()
    harmless = rng.normal(size=person.max() + 1)[person]
    along = np.cos(turn) * severity - np.sin(turn) * harmless
    across = np.sin(turn) * severity + np.cos(turn) * harmless
    age = (scans["age"].to_numpy() - 72) / 7
    return SEEN * np.stack([along, across, age], axis=1) @ axes
