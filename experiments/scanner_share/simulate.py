"""Do the estimated shares of variance, and their intervals, tell the truth? `python simulate.py [trials]`."""

import sys

import numpy as np

from clinimcl.evaluation.scanner.design import Design, design_of
from clinimcl.evaluation.scanner.shares import KINDS, measure_shares
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.phantoms.embeddings import Sampling, Shares, sample_embeddings, sample_scans

TRIALS = 400
DIMENSION = 32
CASES = {
    "much of each": Shares(0.5, 0.2, 0.1, 0.2),
    "mostly scanner": Shares(0.2, 0.6, 0.05, 0.15),
    "no scanner": Shares(0.7, 0.0, 0.1, 0.2),
}
SAMPLINGS = (
    Sampling(subjects=12, visits=2, travelling=12, scanners=3),
    Sampling(subjects=40, visits=2, travelling=12, scanners=3),
    Sampling(subjects=100, visits=3, travelling=12, scanners=3),
    Sampling(subjects=100, visits=3, travelling=12, scanners=6),
)


def truths(shares: Shares) -> dict[str, float]:
    without = 1 - shares.scanner
    known = {f"share_{name}": value for name, value in shares._asdict().items()}
    return known | {"icc": shares.subject / without, "icc_visit": (shares.subject + shares.time) / without}


def trial(sampling: Sampling, shares: Shares, seed: int) -> dict[str, tuple[float, bool]]:
    """Of each kind, the error and whether the interval holds the truth."""
    generator = np.random.default_rng([seed, *sampling])
    scans = sample_scans(sampling, generator)
    vectors = sample_embeddings(scans, shares, DIMENSION, generator)
    design = design_of(scans)
    assert isinstance(design, Design)
    measured = measure_shares(vectors[design.rows], design)
    return {
        kind: (metric.value - truth, metric.low <= truth <= metric.high)
        for kind, truth in truths(shares).items()
        if isinstance(metric := measured[kind], Metric)
    }


def row(name: str, sampling: Sampling, shares: Shares, trials: int) -> list[str]:
    measured = [trial(sampling, shares, seed) for seed in range(trials)]
    cells = [name, str(sampling.subjects), str(sampling.visits), str(sampling.scanners)]
    for kind in KINDS:
        if kind not in truths(shares):
            continue
        errors, held = np.array([own[kind] for own in measured]).T
        near = np.mean(np.abs(errors) < 0.05)
        cells.append(f"{np.abs(errors).mean():.3f}, {near:.1%}, {held.mean():.1%}")
    return cells


def main(trials: int) -> None:
    kinds = [kind for kind in KINDS if kind in truths(CASES["much of each"])]
    heads = ["truth", "subjects", "visits", "scanners", *kinds]
    print("Mean absolute error, share of trials within 0.05 of the truth, coverage of the 95 % interval")
    print("| " + " | ".join(heads) + " |\n" + "| --- " * len(heads) + "|")
    for name, shares in CASES.items():
        for sampling in SAMPLINGS:
            print("| " + " | ".join(row(name, sampling, shares, trials)) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS)
