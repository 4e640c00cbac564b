"""What the report calls the groups, and what has to be said of them."""

from collections.abc import Sequence

import pandas as pd

from clinimcl.evaluation.groups.comparison import LEAST, Comparison, Difference, Group, alarms_of, corrected
from clinimcl.evaluation.groups.groupings import COLUMNS, Bands, column_of
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.wording import label, number, span

HEADLINES = {
    "steps_off": "Steps between answer and truth",
    "signed_steps_off": "Answer minus truth, in steps",
    "exported_steps_off": "Steps between answer and truth, exported model",
    "exported_signed_steps_off": "Answer minus truth in steps, exported model",
    "score_bias": "Score, mean signed error",
    "probe_score_bias": "Probe of score, mean signed error",
    "probe_age_bias": "Probe of age, mean signed error",
}
MEANINGS = {
    "steps_off": "0 right, 1 a neighbour, 2 improved for deteriorated or the reverse.",
    "signed_steps_off": "Above 0: answered better than it was.",
    "score_bias": "Answered minus measured.",
    "probe_score_bias": "Answered minus measured.",
    "probe_age_bias": "Answered minus true.",
}
GROUPINGS = {
    "age": "age at the earlier scan",
    "interval": "interval between the scans",
    "severity": "severity (score at the earlier scan)",
}
CAVEAT = (
    "Groups differ in more than their name: a gap is where to look, not why. It may come from who "
    "is in a group, such as more subjects of a class or a severity that is harder to answer; only "
    "balanced accuracies are tested between subjects of the same classes. That none is found says "
    "no more than the intervals of the gaps: they hold what may still be there."
)


def named(headline: str) -> str:
    return HEADLINES.get(headline) or label(headline)


def titled(grouping: str) -> str:
    return GROUPINGS.get(grouping, grouping)


def notes(
    comparisons: list[Comparison],
    scans: pd.DataFrame,
    groupings: Sequence[str],
    bands: dict[str, Bands],
) -> list[str]:
    """Sentences; what was found first."""
    sentences = found(comparisons)
    sentences += [missing(comparisons, name) for name in groupings]
    sentences += [unseen(scans, name) for name in groupings if name not in bands]
    compared = any(isinstance(own.difference, Difference) for own in comparisons)
    sentences += [CAVEAT] if compared else []
    return [sentence for sentence in sentences if sentence]


def found(comparisons: list[Comparison]) -> list[str]:
    """A sentence for each gap beyond chance, smallest p first, or that there is none."""
    tested = [own for own in comparisons if corrected(own) is not None]
    alarms = alarms_of(comparisons)
    if alarms:
        return [gap_sentence(own) for own in alarms]
    if not tested and any(own.compared for own in comparisons):
        return ["Gaps are shown, and for none can it be told whether it is beyond chance."]
    if not tested:
        return [f"No two groups have at least {LEAST} test subjects each: nothing is compared."]
    correction = f"Holm's correction for {len(tested)} comparisons"
    return [f"No group differs beyond chance in any headline ({correction})."]


def gap_sentence(comparison: Comparison) -> str:
    difference = comparison.difference
    assert isinstance(difference, Difference)
    gap = difference.gap
    ends = [end_of(comparison, name) for name in (difference.worst, difference.best)]
    sides = ("at one end", "at the other") if comparison.aim == "zero" else ("worst", "best")
    return (
        f"{named(comparison.headline)} differs by {titled(comparison.grouping)}: {sides[0]} "
        f"{ends[0]}, {sides[1]} {ends[1]}; gap {number(gap.value)} (95\u00a0% interval "
        f"{span(gap.low, gap.high)}; p {p_text(difference.p_holm)} after Holm)."
    )


def end_of(comparison: Comparison, name: str) -> str:
    outcome = comparison.groups[name].outcome
    assert isinstance(outcome, Metric)
    return f"{name} ({number(outcome.value)}, {outcome.n_subjects} subjects)"


def p_text(p: float | None) -> str:
    if p is None:
        return "–"
    return "<\u00a00.001" if p < 0.001 else f"{p:.3f}"


def missing(comparisons: list[Comparison], grouping: str) -> str:
    """Where no headline can be grouped so."""
    own = [one for one in comparisons if one.grouping == grouping]
    if not own or any(one.groups for one in own):
        return ""
    return f"By {titled(grouping)} nothing can be said: no test item's is known."


def unseen(scans: pd.DataFrame, grouping: str) -> str:
    """Groups that only training, or only the test has."""
    values = column_of(scans, grouping)
    sides = [scans["split"] == split for split in ("train", "test")]
    trained, tested = (scans["subject"][side].groupby(values[side]).nunique() for side in sides)
    told = [
        one_sided(trained[~trained.index.isin(tested.index)], grouping, "training", "tested"),
        one_sided(tested[~tested.index.isin(trained.index)], grouping, "the test", "trained on"),
    ]
    return " ".join(side for side in told if side)


def one_sided(sizes: "pd.Series[int]", grouping: str, side: str, lacking: str) -> str:
    if sizes.empty:
        return ""
    several = [f"{name} ({size} subjects)" for name, size in sizes[sizes > 1].items()]
    lonely = int((sizes == 1).sum())
    if lonely:
        several.append(f"{lonely} with one subject each" if lonely > 1 else "one with one subject")
    names = ", ".join(several)
    return f"Values of {COLUMNS.get(grouping, grouping)} in {side} only, not {lacking}: {names}."


def few(groups: dict[str, Group]) -> str:
    """Who is counted and not shown. Groups of one person go without their names."""
    small = {name: own.n_subjects for name, own in groups.items() if own.n_subjects < LEAST}
    named_ones = [f"{name} ({size})" for name, size in small.items() if size > 1]
    lonely = sum(size == 1 for size in small.values())
    if lonely:
        named_ones.append("1 group of one" if lonely == 1 else f"{lonely} groups of one")
    return ", ".join(named_ones)
