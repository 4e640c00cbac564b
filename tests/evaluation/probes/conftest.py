from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.probes.inputs import ProbeInputs


def scan_table(subjects: int, sessions: int) -> pd.DataFrame:
    """The first three of five subjects train; every other one is ill at all its sessions."""
    return pd.DataFrame(
        [
            {
                "subject": f"OAS{number}",
                "session": f"d{visit}",
                "day": 400.0 * visit,
                "score": (22.0 if number % 2 else 29.0) - visit % 2,
                "score_name": "MMSE",
                "age": 60.0 + number % 17 + visit,
                "sex": "FM"[number // 2 % 2],
                "site": "A",
                "scanner": None,
                "split": "train" if number % 5 < 3 else "test",
            }
            for number in range(subjects)
            for visit in range(sessions)
        ]
    )


@pytest.fixture(scope="session")
def given() -> Callable[..., ProbeInputs]:
    """The trained encoder's first dimensions hold the score and the age; the untrained one's are noise."""

    def build(subjects: int = 100, sessions: int = 2) -> ProbeInputs:
        scans, rng = scan_table(subjects, sessions), np.random.default_rng(0)
        noise = rng.normal(size=(2, subjects, 8)).repeat(sessions, axis=1)  # of a subject, not of a scan
        trained = noise[0].copy()
        trained[:, 0] = scans["score"] + 0.1 * trained[:, 0]
        trained[:, 1] = scans["age"] + 0.1 * trained[:, 1]
        return ProbeInputs(scans, trained, noise[1])

    return build
