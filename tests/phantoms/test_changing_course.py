from functools import lru_cache
from itertools import combinations

import numpy as np

from clinimcl.cohorts.change import ChangeRule
from clinimcl.phantoms.brain.cohort import Member, sample_member
from clinimcl.phantoms.brain.course import disease_years
from clinimcl.phantoms.brain.parameters import BRAIN_CHANGE

RULE = ChangeRule(higher_is="better", threshold=3.0, bins=())


@lru_cache(maxsize=1)
def members() -> list[Member]:
    return [sample_member(0, number, BRAIN_CHANGE) for number in range(300)]


def measured(member, session):
    return min(member.visits, key=lambda visit: abs(visit.day - session.day)).scores.mmse


def changes(score):
    """The health change of every pair of an earlier and a later session of one subject."""
    values = [[score(member, runs[0]) for runs in member.sessions] for member in members()]
    earlier, later = np.array([pair for scores in values for pair in combinations(scores, 2)], float).T
    return RULE.change(earlier, later)


def test_who_knows_the_true_score_is_right_in_085_of_the_pairs():
    assert np.mean(changes(measured) == changes(lambda member, session: session.state.mmse)) >= 0.85


def test_no_change_is_more_common_than_045():
    shares = np.bincount(changes(measured), minlength=3) / len(changes(measured))
    assert shares.max() <= 0.45
    assert shares.min() >= 0.25


def test_the_brain_of_who_recovers_recovers():
    recovering = [m for m in members() if m.subject.person.speed < -0.5 and len(m.sessions) > 1]
    first, last = ([member.sessions[place][0].state for member in recovering] for place in (0, -1))
    assert all(after.stage < before.stage for before, after in zip(first, last, strict=True))
    assert all(after.hippocampi > before.hippocampi for before, after in zip(first, last, strict=True))
    assert np.mean([after.ventricles < before.ventricles for before, after in zip(first, last, strict=True)]) > 0.9


def test_a_course_begins_where_the_parameters_say():
    for member in members():
        person = member.subject.person
        if person.speed < -0.5 and np.isfinite(person.onset_age):
            assert 6.5 <= disease_years(person, person.age_at_entry) <= 10.0


def test_every_scan_is_made_within_weeks_of_a_visit():
    gaps = [min(abs(v.day - runs[0].day) for v in m.visits) for m in members() for runs in m.sessions]
    assert max(gaps) <= 44


def test_most_subjects_have_several_sessions():
    assert np.mean([len(member.sessions) > 1 for member in members()]) > 0.9
