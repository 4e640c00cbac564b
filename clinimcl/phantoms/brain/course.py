"""A subject's disease course: the stage at any age, how much the brain has shrunk, and what a clinic scores."""

from typing import NamedTuple

import numpy as np

from clinimcl.phantoms.brain.parameters import ChangingCourse, Course

# True CDR sum of boxes against years since onset: about one point a year at first, then two.
YEARS_SINCE_ONSET = (0.0, 4.25, 6.75, 10.0, 11.2)
SUM_OF_BOXES = (0.0, 4.25, 9.25, 15.75, 18.0)
# MMSE ranges of the CDR stages meet at 29.5, 25.5, 20.5 and 10.5 (Perneczky et al. 2006, Am J Geriatr Psychiatry
# 14:139), the sums of boxes of the same stages at 0.25, 4.25, 9.25 and 15.75 (O'Bryant et al. 2008, Arch Neurol
# 65:1091). So the MMSE falls by 1, 2 and 3 points a year; in 702
# patients of a clinic by 2.2 at first, then by 3.8 (PMC3014643).
MMSE_AT_BOXES = (29.5, 25.5, 20.5, 10.5, 3.0)
GLOBAL_RATING_FROM = ((16.0, 3.0), (9.5, 2.0), (4.5, 1.0), (0.5, 0.5), (0.0, 0.0))  # O'Bryant et al. 2008
BOXES = ("memory", "orient", "judgment", "commun", "homehosp", "perscare")


class Person(NamedTuple):
    """What decides a course. Who never falls ill has an onset age of infinity."""

    age_at_entry: float
    onset_age: float
    speed: float  # disease years a calendar year; negative for who recovers


class State(NamedTuple):
    """A person at one age. Volumes are ratios to the same person's before ageing and disease."""

    stage: float  # true CDR sum of boxes, 0 to 18
    rate: float  # points of it a year
    mmse: float
    ventricles: float
    hippocampi: float
    brain: float


def state_at(person: Person, age: float, course: Course) -> State:
    """Volumes follow the healthy yearly rates from `ageing_from`, and the disease's excess on top.

    The excess sets in over `presymptomatic_years` before onset: in familial disease atrophy speeds up 3 to 8 years
    before symptoms (Kinnunen et al. 2018, Alzheimer's & Dementia 14:43).
    """
    years = disease_years(person, age)
    stage = float(np.interp(years, YEARS_SINCE_ONSET, SUM_OF_BOXES))
    slope = float(np.interp(years + 0.5, YEARS_SINCE_ONSET, SUM_OF_BOXES)) - stage
    ageing = max(age - course.ageing_from, 0.0)
    excess = _years_of_excess(years, course.presymptomatic_years)
    ratio = [
        float(np.exp(healthy * ageing + (ill - healthy) * excess))
        for healthy, ill in (course.ventricle_rates, course.hippocampus_rates, course.brain_rates)
    ]
    return State(stage, 2 * slope * person.speed, mmse_of_stage(stage), *ratio)


def disease_years(person: Person, age: float) -> float:
    """Years since onset at the average pace, negative before; minus infinity for who stays healthy."""
    return (age - person.onset_age) * person.speed


def mmse_of_stage(stage: float) -> float:
    return float(np.interp(stage, (0.25, 4.25, 9.25, 15.75, 18.0), MMSE_AT_BOXES))


def _years_of_excess(years: float, before: float) -> float:
    """Integral of a weight that rises linearly from 0 to 1 in the years `before` onset."""
    if years <= -before:
        return 0.0
    return (years + before) ** 2 / (2 * before) if years < 0 else before / 2 + years


class Scores(NamedTuple):
    """One clinical visit. `mmse` is 30 at best; the sum of boxes runs from 0 at best to 18."""

    mmse: float
    boxes: tuple[float, ...]
    sum_of_boxes: float
    global_rating: float


def sample_scores(generator: np.random.Generator, state: State, course: Course) -> Scores:
    """What a rater would write down at this visit: integers for the MMSE, a CDR level for each box."""
    severity = state.stage / 18
    mmse_noise = np.interp(severity, (0.0, 0.25), course.mmse_noise)
    mmse = float(np.clip(np.rint(generator.normal(state.mmse, mmse_noise)), 0, 30))
    box_noise = np.interp(severity, (0.0, 0.25), course.box_noise)
    latent = generator.normal(state.stage / 6, box_noise, len(BOXES))
    boxes = tuple(
        _nearest_level(value, (0.0, 1.0, 2.0, 3.0) if name == "perscare" else (0.0, 0.5, 1.0, 2.0, 3.0))
        for name, value in zip(BOXES, latent, strict=True)
    )
    total = sum(boxes)
    return Scores(mmse, boxes, total, global_rating(total))


def global_rating(sum_of_boxes: float) -> float:
    return next(rating for least, rating in GLOBAL_RATING_FROM if sum_of_boxes >= least)


def _nearest_level(value: float, levels: tuple[float, ...]) -> float:
    return min(levels, key=lambda level: abs(level - value))


def sample_person(generator: np.random.Generator, course: Course) -> Person:
    age = float(np.clip(generator.normal(course.age_mean, course.age_spread), 45, 90))
    if isinstance(course, ChangingCourse):
        return _sample_changing(generator, course, age)
    healthy = generator.random() < course.healthy_share
    years_at_entry = generator.uniform(*course.disease_years_at_entry)
    speed = float(np.exp(generator.normal(0.0, course.speed_spread)))
    return Person(age, float("inf") if healthy else float(age - years_at_entry / speed), speed)


def _sample_changing(generator: np.random.Generator, course: ChangingCourse, age: float) -> Person:
    """Onset lies where the subject's pace, kept up, puts it: before entry, or ahead of who recovers."""
    draw, forwards = generator.random(), generator.random() < 0.5
    pace = float(np.exp(generator.normal(0.0, course.speed_spread)))
    declining = course.healthy_share + course.declining_share
    if draw < course.healthy_share:
        return Person(age, float("inf"), pace)
    if draw < declining:
        years, speed = generator.uniform(*course.declining_from), course.pace * pace
    elif draw < declining + course.recovering_share:
        years, speed = generator.uniform(*course.recovering_from), -course.pace * pace
    else:
        years, speed = generator.uniform(*course.disease_years_at_entry), course.stable_pace * pace
        speed = speed if forwards else -speed
    return Person(age, float(age - years / speed), speed)
