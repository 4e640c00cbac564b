"""Does the table of groups find a planted bias, and is it silent without one?

`python -m experiments.groups.simulate` prints the first table of README.md, `… power` the second.
"""

import sys
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from clinimcl.cohorts.change import ChangeRule
from clinimcl.config.settings import GROUPS
from clinimcl.evaluation.groups.comparison import Comparison, GroupEvaluation
from clinimcl.evaluation.groups.headlines import Headline
from clinimcl.evaluation.groups.measure import evaluate_groups
from clinimcl.evaluation.groups.sources import (
    pair_headlines,
    probe_error,
    probe_headlines,
    retrieval_headline,
    tested_scans,
    years_between,
)
from clinimcl.evaluation.probes.inputs import ProbeInputs
from clinimcl.evaluation.probes.targets import Items, items_of
from clinimcl.evaluation.statistics.linear_probes import components
from experiments.groups.cohorts import Cohort, Plan, cohort

SEEDS = 20
POWER_SEEDS = 10
FRESH = 4000  # the first seed: those below chose the cohort, or tested an earlier table
RULE = ChangeRule("better", 3.0, ())


class Planted(NamedTuple):
    """A cohort, and the grouping in which its bias must show; empty where it has none."""

    name: str
    plan: Plan
    grouping: str = ""


BIASES = (
    Planted("no bias", Plan()),
    Planted("site B rates 2 points lower", Plan(shift=2.0), "site"),
    Planted("half of the training women", Plan(women=0.5), "sex"),
)


def evaluated(plan: Plan, seed: int) -> GroupEvaluation:
    """As a run's are: probes of the embedding, change from its regressed scores, retrieval."""
    made = cohort(plan, seed)
    probes = probe_headlines(ProbeInputs(made.scans, made.vectors, made.vectors))
    test = (made.scans["split"] == "test").to_numpy()
    found = retrieval_headline(made.scans[test].reset_index(drop=True), made.identity[test])
    headlines = [*probes, *change_headlines(made), *found]
    return evaluate_groups(headlines, made.scans, GROUPS, seed)


def change_headlines(made: Cohort) -> list[Headline]:
    """Of every two visits of a test subject: the rule applied to both regressed scores."""
    items = items_of(made.scans, "score")
    assert isinstance(items, Items)
    train = (made.scans["split"] == "train").to_numpy()
    features = items.mean(components(made.vectors, train))
    scans = tested_scans(made.scans, items)
    measured = scans["score"].to_numpy(float)
    answered = measured + probe_error(items, features)
    visits = scans.groupby("subject").indices.values()
    places = [pair for rows in visits for pair in combinations(rows.tolist(), 2)]
    earlier, later = np.array(places).T
    change = RULE.change(measured[earlier], measured[later])
    guess = RULE.change(answered[earlier], answered[later])
    pairs = pair_headlines(change, guess, scans.iloc[earlier], scans.iloc[later])
    years = years_between(scans.iloc[earlier], scans.iloc[later])
    return [own._replace(years=years) for own in pairs]


def alarmed(found: GroupEvaluation, grouping: str) -> bool:
    """Whether any headline differs; by this grouping, where one is named."""
    return any(own.grouping == grouping or not grouping for own in found.alarms)


def alarm_table(seeds: int) -> pd.DataFrame:
    """A row a bias: how many seeds find it, how many have another alarm, and what was found."""
    return pd.DataFrame([alarm_row(planted, seeds) for planted in BIASES])


def alarm_row(planted: Planted, seeds: int) -> dict[str, object]:
    found = [evaluated(planted.plan, FRESH + seed) for seed in range(seeds)]
    hits = sum(alarmed(one, planted.grouping) for one in found)
    others = [{own.grouping for own in one.alarms} - {planted.grouping} for one in found]
    return {
        "bias": planted.name,
        "found": hits if planted.grouping else "–",
        "alarms elsewhere": sum(map(bool, others)),
        "of": seeds,
        "by": ", ".join(sorted({who(own) for one in found for own in one.alarms})),
    }


def who(comparison: Comparison) -> str:
    return f"{comparison.headline} by {comparison.grouping}"


POWER = {
    "site": [Plan(shift=points) for points in (1.0, 2.0)],
    "sex": [Plan(women=0.5)],
}
FEWER = (75, 150)  # tested subjects


def power_table(seeds: int) -> pd.DataFrame:
    """Seeds that find a bias of some size, with fewer tested subjects."""
    rows = []
    for grouping, plans in POWER.items():
        for plan in plans:
            for tested in FEWER:
                own = plan._replace(tested=tested)
                found = [evaluated(own, FRESH + seed) for seed in range(seeds)]
                hits = sum(alarmed(one, grouping) for one in found)
                size = f"{plan.shift:g} points" if plan.shift else f"{plan.angle:g}°"
                told = {"by": grouping, "size": size, "tested": tested}
                rows.append({**told, "found": hits, "of": seeds})
    return pd.DataFrame(rows)


def main() -> None:
    asked = sys.argv[1:] or ["alarms"]
    if "power" in asked:
        print(power_table(POWER_SEEDS).to_string(index=False))
    else:
        print(alarm_table(2 if "quick" in asked else SEEDS).to_string(index=False))


if __name__ == "__main__":
    main()
