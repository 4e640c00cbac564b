from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.groups.headlines import Headline
from clinimcl.evaluation.groups.sources import plain

MakeHeadline = Callable[..., Headline]


def scans_of(subject: list[int], **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"subject": [f"S{number}" for number in subject], **columns})


@pytest.fixture(scope="session")
def headline() -> MakeHeadline:
    """A headline whose items are of these subjects and have these columns."""

    def build(value: object, subject: list[int], aim: str = "low", **columns: object) -> Headline:
        scans = scans_of(subject, **columns)
        bounds = (-np.inf, np.inf)
        return plain("score_mae", aim, bounds, np.asarray(value, dtype=float), scans)

    return build
