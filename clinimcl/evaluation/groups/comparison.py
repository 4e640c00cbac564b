"""What is said of one headline by one grouping."""

from typing import NamedTuple

from clinimcl.evaluation.groups.gaps import Gap
from clinimcl.evaluation.groups.groupings import Bands
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome

LEAST = 10  # subjects: fewer are counted and have no value
LEVEL = 0.05


class Group(NamedTuple):
    """A group of a headline's items."""

    n_subjects: int
    n_items: int
    outcome: Outcome


class Difference(NamedTuple):
    """The gap between two groups of one headline; of a signed error they are its two ends."""

    worst: str
    best: str
    gap: Gap
    n_subjects: int  # of all groups that are compared
    n_items: int
    p: float | None  # that all groups are equal; None where that is not asked
    untested: str = ""  # why it is not
    p_holm: float | None = None  # corrected for all groupings and headlines


class Comparison(NamedTuple):
    """One headline by one grouping."""

    headline: str
    grouping: str
    aim: str
    groups: dict[str, Group]  # in the order of reading; those with fewer than LEAST subjects, too
    unknown: Group  # whose group is not known
    difference: Difference | Absent

    @property
    def compared(self) -> bool:
        return isinstance(self.difference, Difference)

    @property
    def measured(self) -> dict[str, Metric]:
        """Of the groups that have a value."""
        outcomes = {name: group.outcome for name, group in self.groups.items()}
        return {name: own for name, own in outcomes.items() if isinstance(own, Metric)}


class GroupEvaluation(NamedTuple):
    """For whom the model errs."""

    comparisons: list[Comparison]
    bands: dict[str, Bands]
    notes: list[str]  # sentences

    @property
    def alarms(self) -> list[Comparison]:
        """Where groups differ beyond chance, after the correction; smallest p first."""
        return alarms_of(self.comparisons)


def alarms_of(comparisons: list[Comparison]) -> list[Comparison]:
    alarmed = [own for own in comparisons if alarming(own)]
    return sorted(alarmed, key=lambda own: corrected(own) or 0.0)


def corrected(comparison: Comparison) -> float | None:
    found = comparison.difference
    return None if isinstance(found, Absent) else found.p_holm


def alarming(comparison: Comparison) -> bool:
    p = corrected(comparison)
    return p is not None and p <= LEVEL
