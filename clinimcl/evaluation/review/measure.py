"""From what a run knows to the review pack."""

from typing import NamedTuple

import pandas as pd

from clinimcl.evaluation.change.answers import answers_of
from clinimcl.evaluation.review.checklists import CHECKLISTS, Answer, answers
from clinimcl.evaluation.review.decision import Decision, decision_curve
from clinimcl.evaluation.review.detectable import Detectable, detectable
from clinimcl.evaluation.review.facts import Measured, known_facts
from clinimcl.evaluation.review.flow import Flow, flow
from clinimcl.evaluation.review.inputs import ReviewInputs
from clinimcl.evaluation.review.people import people_table
from clinimcl.evaluation.review.robustness import Robustness, robustness
from clinimcl.evaluation.review.sensitivity import Sensitivity, sensitivity
from clinimcl.evaluation.review.worst import Worst, worst_answers, worst_retrievals
from clinimcl.evaluation.statistics.cluster_intervals import clusters_of
from clinimcl.evaluation.statistics.metrics import Absent


class Review(NamedTuple):
    """Everything that a reviewer asks, measured; an `Absent` says why a part is not there."""

    people: pd.DataFrame
    flow: Flow
    checklists: dict[str, list[Answer]]
    decision: Decision | Absent
    worst: Worst | Absent
    detectable: list[Detectable]
    robustness: Robustness | Absent
    sensitivity: Sensitivity | Absent


def review(inputs: ReviewInputs) -> Review:
    usable = inputs.table[inputs.table["reason"] == ""]
    measured = Measured(
        flow(inputs.table, inputs.uses, inputs.names),
        decision(inputs),
        detectable(inputs.metrics, inputs.headline),
        inputs.robustness if isinstance(inputs.robustness, Absent) else robustness(inputs.robustness),
        occlusion(inputs),
        worst(inputs),
    )
    facts = known_facts(inputs, measured)
    return Review(
        people_table(usable),
        measured.flow,
        {name: answers(items, facts) for name, items in CHECKLISTS.items()},
        measured.decision,
        measured.worst,
        measured.detectable,
        measured.robustness,
        measured.sensitivity,
    )


def decision(inputs: ReviewInputs) -> Decision | Absent:
    if inputs.change is None or inputs.calibrated is None:
        return Absent("the run has no classifier of health change, whose word one could act on")
    if inputs.change.kind == "zone contrast":
        return Absent("the test contrasts zones of one visit, which is no change that one could treat")
    asked = answers_of(inputs.change)
    probability = asked.mean(inputs.calibrated.probabilities)[:, 0]
    clusters = clusters_of(asked.earlier, asked.later, inputs.seed)
    return decision_curve(asked.change == 0, probability, clusters, inputs.calibrated.sentence)


def worst(inputs: ReviewInputs) -> Worst | Absent:
    """Of health change, or of retrieval where no change is classified."""
    if inputs.change is not None:
        return worst_answers(inputs.change, inputs.names)
    if inputs.retrieval is not None:
        return worst_retrievals(inputs.retrieval.scans, inputs.retrieval.vectors, inputs.names)
    return Absent("nothing of the run was tested on pairs")


def occlusion(inputs: ReviewInputs) -> Sensitivity | Absent:
    if isinstance(inputs.occlusion, Absent):
        return inputs.occlusion
    return sensitivity(inputs.occlusion.pairs, inputs.occlusion.what)
