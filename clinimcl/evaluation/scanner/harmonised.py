"""What harmonisation takes away and what it leaves: probes and shares before and after, paired by subject."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.evaluation.probes.measure import tested
from clinimcl.evaluation.probes.scoring import minus, outcome, scored
from clinimcl.evaluation.probes.targets import Items, items_of
from clinimcl.evaluation.scanner.design import Design
from clinimcl.evaluation.scanner.shares import measure_shares
from clinimcl.evaluation.scanner.wording import HARMONISED, METHODS, PAIRED, difference_name, harmonised_name
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, Replicates
from clinimcl.evaluation.statistics.linear_probes import components
from clinimcl.evaluation.statistics.metrics import Absent, Outcome
from clinimcl.harmonisation.combat import LEAST_SUBJECTS, fit_harmonisation, harmonise
from clinimcl.harmonisation.of_cohort import common_factor

Vectors = Float[np.ndarray, "scan dimension"]
UNHARMONISED = "none"
UNEMBEDDED = "there are no embeddings of training scans; clinimcl.evaluate with probes=true takes them"
SHARED = ("share_scanner", "share_subject")


class Harmonised(NamedTuple):
    """Metrics of every method, and what has to be said of them."""

    metrics: dict[str, Outcome]
    as_it_is: dict[str, Outcome]  # probes before, by kind
    factor: str  # "scanner", "site", or "" where nothing could be harmonised
    preserved: list[str]
    unseen: int  # test scans of scanners that training has not, which stay as they are


def measure_harmonised(vectors: Vectors, scans: pd.DataFrame, design: Design | Absent, seed: int) -> Harmonised:
    """Of the trained encoder's embeddings; every method is fitted on training scans alone.

    `design` is that of the test scans.
    """
    train = (scans["split"] == "train").to_numpy(bool)
    if not train.any():
        return Harmonised(dict.fromkeys(names(), Absent(UNEMBEDDED)), {}, "", [], 0)
    factor = common_factor(scans[train])
    if not factor:
        reason = Absent(f"training scans are not of two known scanners or sites with {LEAST_SUBJECTS} subjects each")
        return Harmonised(dict.fromkeys(names(), reason), {}, "", [], 0)
    encoded = {UNHARMONISED: vectors}
    for method in METHODS:
        fitted = fit_harmonisation(method, vectors[train], scans[train], factor)
        encoded[method], known = harmonise(fitted, vectors, scans)
    probes = measure_probes(encoded, scans, train, {PAIRED[0]: factor, PAIRED[1]: "score"}, seed)
    metrics = dict(probes)
    as_it_is = {kind: metrics.pop(harmonised_name(UNHARMONISED, kind)) for kind in PAIRED}
    test = (scans["split"] == "test").to_numpy(bool)
    for method in METHODS:
        metrics |= measure_shared(method, encoded[method][test], design)
    unseen = int((test & ~known).sum())
    return Harmonised(metrics, as_it_is, factor, fitted.covariates.names, unseen)


def names() -> list[str]:
    own = [harmonised_name(method, kind) for method in METHODS for kind in HARMONISED]
    return own + [difference_name(method, kind) for method in METHODS for kind in PAIRED]


def measure_shared(
    method: str, vectors: Float[np.ndarray, "test dimension"], design: Design | Absent
) -> dict[str, Outcome]:
    rows = vectors if isinstance(design, Absent) else vectors[design.rows]
    shares = measure_shares(rows, design)
    return {harmonised_name(method, kind): shares[kind] for kind in SHARED}


def measure_probes(
    encoded: dict[str, Vectors],
    scans: pd.DataFrame,
    train: np.ndarray,
    targets: dict[str, str],
    seed: int,
) -> dict[str, Outcome]:
    """`targets` maps a kind of probe to what it is probed for."""
    features = {name: components(vectors, train) for name, vectors in encoded.items()}
    outcomes: dict[str, Outcome] = {}
    for kind, target in targets.items():
        items = items_of(scans, target)
        if isinstance(items, Absent):
            outcomes |= {harmonised_name(name, kind): items for name in encoded}
            outcomes |= {difference_name(name, kind): items for name in METHODS}
            continue
        outcomes |= probe_pairs(kind, items, features, tested(items, seed))
    return outcomes


def probe_pairs(kind: str, items: Items, features: dict[str, Vectors], clusters: Clusters) -> dict[str, Outcome]:
    """The probe of every method, and the difference to the embedding as it is."""
    measure = "balanced_accuracy" if items.classes else "spearman"
    rows = np.flatnonzero(items.train)
    answers: dict[str, Replicates] = {
        name: scored(items, items.mean(own), rows, clusters)[measure] for name, own in features.items()
    }
    outcomes = {harmonised_name(name, kind): outcome(items, measure, own) for name, own in answers.items()}
    for method in METHODS:
        difference = minus(items, measure, answers[method], answers[UNHARMONISED])
        outcomes[difference_name(method, kind)] = difference
    return outcomes
