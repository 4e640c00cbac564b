"""Does the table of groups find a planted bias, and is it silent without one?

`python experiments/groups/simulate.py` prints the tables of README.md; `quick` makes them small.
"""

import sys
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from cohorts import Cohort, Plan, cohort

from clinimcl.cohorts.change import ChangeRule
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
from clinimcl.evaluation.probes.fitting import components
from clinimcl.evaluation.probes.inputs import ProbeInputs
from clinimcl.evaluation.probes.targets import Items, items_of
from clinimcl.settings import GROUPS

SEEDS = 20
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
    found = retrieval_headline(made.scans[test].reset_index(drop=True), made.vectors[test])
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
    places = [pair for rows in scans.groupby("subject").indices.values() for pair in combinations(rows.tolist(), 2)]
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
    """A row a bias: seeds that find it, those with an alarm elsewhere, and what was found."""
    rows = []
    for planted in BIASES:
        found = [evaluated(planted.plan, seed) for seed in range(seeds)]
        elsewhere = [any(own.grouping != planted.grouping for own in one.alarms) for one in found]
        rows.append(
            {
                "bias": planted.name,
                "found": sum(alarmed(one, planted.grouping) for one in found) if planted.grouping else "–",
                "alarms elsewhere": sum(elsewhere),
                "of": seeds,
                "by": ", ".join(sorted({who(own) for one in found for own in one.alarms})),
            }
        )
    return pd.DataFrame(rows)


def who(comparison: Comparison) -> str:
    return f"{comparison.headline} by {comparison.grouping}"


def power_table(seeds: int) -> pd.DataFrame:
    """Share of seeds that find a bias, by its size and the number of tested subjects."""
    rows = []
    for name, plans in (
        ("site, points lower", {size: Plan(shift=size) for size in (0.5, 1.0, 1.5, 2.0)}),
        (
            "half of the women, degrees",
            {size: Plan(women=0.5, angle=size) for size in (30.0, 60.0, 90.0)},
        ),
    ):
        for size, plan in plans.items():
            for tested in (60, 120, 240, 480):
                grouping = "site" if plan.shift else "sex"
                found = [evaluated(plan._replace(tested=tested), 100 + seed) for seed in range(seeds)]
                hits = sum(alarmed(one, grouping) for one in found)
                rows.append({"bias": name, "size": size, "tested": tested, "found": hits / seeds})
    return pd.DataFrame(rows).pivot_table("found", ["bias", "size"], "tested")


def main() -> None:
    quick = "quick" in sys.argv[1:]
    print(alarm_table(2 if quick else SEEDS).to_string(index=False))


if __name__ == "__main__":
    main()
