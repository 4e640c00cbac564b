from collections.abc import Callable

import numpy as np
import pytest

from clinimcl.evaluation.probes.inputs import ProbeInputs
from clinimcl.evaluation.scanner.inputs import ScannerInputs
from clinimcl.phantoms.embeddings import Sampling, Shares, sample_embeddings, sample_scans


@pytest.fixture(scope="session")
def given() -> Callable[..., ScannerInputs]:
    """The trained encoder tells the scanner in all its dimensions, and the score in one of them; the others do not."""

    def build(subjects: int = 80) -> ScannerInputs:
        rng = np.random.default_rng(0)
        scans = sample_scans(Sampling(subjects, 2, subjects, 3), rng)
        number = scans["subject"].str[1:].astype(int)
        scans["split"] = np.where(number % 2, "train", "test")
        scans["score"] = 20.0 + number % 11 + rng.integers(-1, 2, len(scans))
        scans = scans.assign(score_name="MMSE", age=60.0 + number % 17, sex=np.where(number % 4 < 2, "F", "M"))
        trained = sample_embeddings(scans, Shares(0.3, 0.4, 0.1, 0.2), 12, rng)
        trained[:, 0] += 0.3 * (scans["score"] - 25)
        other = sample_embeddings(scans, Shares(0.7, 0.0, 0.0, 0.3), 8, rng)
        raw = sample_embeddings(scans, Shares(0.2, 0.6, 0.0, 0.2), 400, rng)
        return ScannerInputs(ProbeInputs(scans, trained, other), raw[(scans["split"] == "test").to_numpy()])

    return build
