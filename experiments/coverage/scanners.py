"""Simulated scans of people on three scanners, whose shares of an embedding's variance are known."""

import numpy as np

from clinimcl.evaluation.scanner.design import Design, design_of
from clinimcl.evaluation.scanner.shares import KINDS, measure_shares
from clinimcl.phantoms.embeddings import Sampling, Shares, sample_embeddings, sample_scans
from experiments.coverage.design import Estimate, Setting

DIMENSION = 16
SHARES = {"none": Shares(0.6, 0.0, 0.15, 0.25), "real": Shares(0.4, 0.25, 0.15, 0.2)}


def variance_shares(rng: np.random.Generator, setting: Setting) -> list[Estimate]:
    """One visit more than answers; a quarter of the people, but two at least, travel to every scanner."""
    shares = SHARES[setting.effect]
    travelling = max(setting.subjects // 4, 2)
    scans = sample_scans(Sampling(setting.subjects, setting.answers + 1, travelling, 3), rng)
    vectors = sample_embeddings(scans, shares, DIMENSION, rng)
    design = design_of(scans)
    measured = measure_shares(vectors[design.rows] if isinstance(design, Design) else vectors, design)
    truths = true_values(shares)
    return [Estimate(f"scanner_{kind}", measured[kind], truths[kind]) for kind in KINDS]


def true_values(shares: Shares) -> dict[str, float]:
    without = 1 - shares.scanner
    known = {f"share_{name}": value for name, value in shares._asdict().items()}
    return known | {"icc": shares.subject / without, "icc_visit": (shares.subject + shares.time) / without}
