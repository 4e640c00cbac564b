"""From embeddings to what a linear probe reads off them, beside the same encoder untrained."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from clinimcl.evaluation.probes.inputs import ProbeInputs, check
from clinimcl.evaluation.probes.label_efficiency import COLUMNS, SHOWN, curve
from clinimcl.evaluation.probes.notes import notes
from clinimcl.evaluation.probes.scoring import Features, minus, outcome, scored
from clinimcl.evaluation.probes.targets import Items, items_of
from clinimcl.evaluation.probes.wording import PROBES
from clinimcl.evaluation.statistics.cluster_intervals import Clusters, clusters_of
from clinimcl.evaluation.statistics.linear_probes import components
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome


class ProbeEvaluation(NamedTuple):
    """Everything that linear probes read off the embeddings of held-out subjects."""

    metrics: dict[str, Outcome]
    curve: pd.DataFrame  # curve.COLUMNS
    notes: list[str]  # sentences

    @property
    def measured(self) -> dict[str, Metric]:
        return {name: found for name, found in self.metrics.items() if isinstance(found, Metric)}

    @property
    def absent(self) -> dict[str, str]:
        return {name: found.reason for name, found in self.metrics.items() if isinstance(found, Absent)}


def evaluate_probes(inputs: ProbeInputs, seed: int) -> ProbeEvaluation:
    """The same inputs and seed give the same numbers.

    Raises:
        UserError: embeddings are not finite.
    """
    check(inputs)
    train = (inputs.scans["split"] == "train").to_numpy(bool)
    seen = {name: components(vectors, train) for name, vectors in inputs.encoders.items()} if train.any() else {}
    probed = {name: items_of(inputs.scans, name) for name in PROBES}
    metrics: dict[str, Outcome] = {}
    curves = [pd.DataFrame(columns=COLUMNS)]
    for name, items in probed.items():
        if isinstance(items, Absent):
            metrics |= dict.fromkeys(names(name), items)
            continue
        encoders = {encoder: items.mean(features) for encoder, features in seen.items()}
        clusters = tested(items, seed)
        metrics |= probe(name, items, encoders, clusters)
        if name in SHOWN:
            curves.append(curve(name, items, encoders, clusters, seed))
    whole = pd.concat([one for one in curves if len(one)] or curves, ignore_index=True)
    return ProbeEvaluation(metrics, whole, notes(inputs.scans, probed, metrics))


def tested(items: Items, seed: int) -> Clusters:
    subject = np.unique(items.subject[~items.train], return_inverse=True)[1]
    return clusters_of(subject, subject, seed)


def probe(name: str, items: Items, encoders: dict[str, Features], clusters: Clusters) -> dict[str, Outcome]:
    """Of both encoders, and the trained one minus the other, paired by subject."""
    train = np.flatnonzero(items.train)
    found = {encoder: scored(items, features, train, clusters) for encoder, features in encoders.items()}
    outcomes: dict[str, Outcome] = {}
    for kind in PROBES[name]:
        own, other, difference = titles(name, kind)
        outcomes[own] = outcome(items, kind, found["trained"][kind])
        outcomes[other] = outcome(items, kind, found["untrained"][kind])
        outcomes[difference] = minus(items, kind, found["trained"][kind], found["untrained"][kind])
    return outcomes


def titles(name: str, kind: str) -> tuple[str, str, str]:
    """In evaluation.json: the trained encoder's, the untrained one's, their difference."""
    own = f"probe_{name}_{kind}"
    return own, f"untrained_{own}", f"{own}_minus_untrained"


def names(name: str) -> list[str]:
    return [title for kind in PROBES[name] for title in titles(name, kind)]
