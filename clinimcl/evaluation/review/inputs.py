"""What the review pack is made of."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.review.flow import Use
from clinimcl.evaluation.review.robustness import RobustnessInputs
from clinimcl.evaluation.review.sensitivity import Occluded
from clinimcl.evaluation.statistics.metrics import Absent, Metric

Picture = Float[np.ndarray, "a b c"]


class Retrieval(NamedTuple):
    """Of a contrastive run: test scans and their embeddings at the reported epoch."""

    scans: pd.DataFrame
    vectors: Float[np.ndarray, "scan dimension"]


class Calibrated(NamedTuple):
    """Probabilities of the test pairs, and on whom they were calibrated, or why they were not."""

    probabilities: Float[np.ndarray, "pair 3"]
    sentence: str


class Occlusion(NamedTuple):
    pairs: list[Callable[[], Occluded]]  # a pair a subject, read when it is wanted
    what: str  # that is hidden from, such as "the answer of the classifier"


class RunFacts(NamedTuple):
    """What the run knows of itself beside its numbers."""

    title: str
    settings: dict[str, Any]  # of training, without what tells where data lie
    cohort: str  # the reader's name
    generated: bool
    remarks: list[str]  # of how the cohort was read
    parameters: dict[str, int]  # network → weights
    weights: str  # what the encoder started from; "" for random numbers
    rule: str  # how two scores become a change; "" where no change is classified
    versions: dict[str, str]
    machine: dict[str, str]
    costs: dict[str, dict[str, float]]  # stage → seconds and joules
    elsewhere: list[str]  # other cohorts on which the run was measured
    groups: bool  # evaluation.json tells performance by group


class ReviewInputs(NamedTuple):
    facts: RunFacts
    table: pd.DataFrame  # of the prepared cohort with the scans that were set aside
    names: dict[str, str]  # subject → pseudonym
    uses: list[Use]
    metrics: dict[str, Metric]
    change: ChangeInputs | None
    calibrated: Calibrated | None
    retrieval: Retrieval | None
    picture: Callable[[str], Picture | Absent]  # path of a scan → what may be shown of it
    robustness: RobustnessInputs | Absent
    occlusion: Occlusion | Absent
    seed: int

    @property
    def headline(self) -> str:
        """Name of the metric that the run is judged by, or of what stands in for it."""
        if self.change is None:
            return "retrieval_top1"
        return "balanced_accuracy" if "balanced_accuracy" in self.metrics else "accuracy"
