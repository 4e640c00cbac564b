"""From embeddings and scanners to how much of the one is the other."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from clinimcl.evaluation.contrastive.retrieval import (
    cosine_similarity,
    other_scanners,
    other_sessions,
    retrieval_metric,
    retrieve,
    same,
)
from clinimcl.evaluation.probes.inputs import check
from clinimcl.evaluation.scanner.design import Design, design_of
from clinimcl.evaluation.scanner.harmonised import Harmonised, measure_harmonised
from clinimcl.evaluation.scanner.inputs import ScannerInputs
from clinimcl.evaluation.scanner.notes import notes
from clinimcl.evaluation.scanner.shares import measure_shares
from clinimcl.evaluation.scanner.wording import KINDS, REPRESENTATIONS, share_name
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome

Positives = Bool[np.ndarray, "scan scan"]


class ScannerEvaluation(NamedTuple):
    """How much of the held-out subjects' embeddings is their scanner."""

    metrics: dict[str, Outcome]
    harmonised: Harmonised
    notes: list[str]  # sentences

    @property
    def measured(self) -> dict[str, Metric]:
        return {name: one for name, one in self.metrics.items() if isinstance(one, Metric)}

    @property
    def absent(self) -> dict[str, str]:
        return {name: one.reason for name, one in self.metrics.items() if isinstance(one, Absent)}


def evaluate_scanner(inputs: ScannerInputs, seed: int) -> ScannerEvaluation:
    """The same inputs and seed give the same numbers.

    Raises:
        UserError: embeddings are not finite.
    """
    check(inputs.embedded)
    scans = inputs.test_scans
    design = design_of(scans)
    metrics: dict[str, Outcome] = {}
    for name in REPRESENTATIONS:
        vectors = inputs.test_vectors.get(name)
        own = measure_representation(vectors, scans, design)
        metrics |= {share_name(name, kind): own[kind] for kind in KINDS}
    embedded = inputs.embedded
    harmonised = measure_harmonised(embedded.encoders["trained"], embedded.scans, design, seed)
    metrics |= harmonised.metrics
    return ScannerEvaluation(metrics, harmonised, notes(design, metrics, harmonised))


def measure_representation(
    vectors: Float[np.ndarray, "test dimension"] | None,
    scans: pd.DataFrame,
    design: Design | Absent,
) -> dict[str, Outcome]:
    """Of `KINDS`."""
    if vectors is None or not len(vectors):
        return dict.fromkeys(KINDS, Absent("there are no test scans of it"))
    rows = vectors if isinstance(design, Absent) else vectors[design.rows]
    shares = measure_shares(rows, design)
    return shares | measure_retrieval(vectors, scans)


def measure_retrieval(vectors: Float[np.ndarray, "test dimension"], scans: pd.DataFrame) -> dict[str, Outcome]:
    """Within scanners and across them, where scanners are known."""
    similarity = cosine_similarity(vectors)
    return {
        kind: retrieval_metric(retrieve(scans, similarity, positive), "top1")
        if positive.any()
        else Absent(f"no subject has scans of two sessions {where}")
        for kind, where, positive in (
            ("retrieval_within", "on one known scanner", same_scanners(scans)),
            ("retrieval_across", "on two known scanners", other_scanners(scans)),
        )
    }


def same_scanners(scans: pd.DataFrame) -> Positives:
    """Positives of other sessions that were taken on the query's own scanner, where it is known."""
    known = scans["scanner"].notna().to_numpy(bool)
    return other_sessions(scans) & same(scans["scanner"]) & known & known[:, None]
