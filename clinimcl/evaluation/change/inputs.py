"""What the evaluation of health change is given."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.cohorts.change import ChangeRule
from clinimcl.errors import UserError

KINDS = ("intra-subject", "inter-subject", "zone contrast")


class ChangeInputs(NamedTuple):
    """Scans, the pairs of them that trained and that test the classifier, and its answers.

    Rows of `train`, `alike` and `test` are pairs: `earlier` and `later` are positions in `scans`, `change` is
    0 deteriorated, 1 stable, 2 improved; test pairs with the same `answer` are zones of one pair of visits and answered
    together.
    """

    scans: pd.DataFrame  # of the scan table: subject, day, score, age, sex, site, split; BRAIN_VOLUMES where known
    embeddings: Float[np.ndarray, "scan dimension"]
    predicted: Float[np.ndarray, " scan"] | None  # regressed scores, in units of the score
    pixels: Float[np.ndarray, "scan pixel"]  # pooled pixels or voxels
    truth: Float[np.ndarray, " scan"] | None  # scores without noise, which only a phantom knows
    train: pd.DataFrame
    alike: pd.DataFrame  # every pair of training subjects of the kind that is tested; may be none
    test: pd.DataFrame
    probabilities: Float[np.ndarray, "pair 3"]  # of the test pairs
    swapped: Float[np.ndarray, "pair 3"]  # the same with earlier and later exchanged
    kind: str  # of the test, one of KINDS
    rule: ChangeRule
    tuned: bool  # the classifier trained the encoder on: embeddings and predicted scores are of the encoder before
    refit: Callable[[Float[np.ndarray, " scan"]], Float[np.ndarray, "pair 3"]] | None
    """Trains the classifier anew as if the scans had these scores; gives probabilities of the test pairs."""


def check(inputs: ChangeInputs) -> None:
    """Raises UserError when there is nothing to test on, or the classifier gives no numbers."""
    assert inputs.kind in KINDS, f"kind must be one of {', '.join(KINDS)}, got {inputs.kind}"
    assert len(inputs.scans) == len(inputs.embeddings) == len(inputs.pixels), "a row a scan"
    tested, taught = (subjects(inputs, own) for own in ([inputs.test], [inputs.train, inputs.alike]))
    assert not tested & taught, f"{len(tested & taught)} subjects are in both training and test pairs"
    assert len(inputs.test) == len(inputs.probabilities) == len(inputs.swapped), "a row a test pair"
    if inputs.test.empty:
        raise UserError("health change must be tested on at least one pair of held-out scans, got none")
    for name, values in (("embeddings", inputs.embeddings), ("probabilities of the classifier", inputs.probabilities)):
        if not np.isfinite(values).all():
            raise UserError(
                f"the {name} must be finite, got NaN or infinity: the training diverged; lower the learning rate or "
                "train in float32"
            )


def subjects(inputs: ChangeInputs, pairs: list[pd.DataFrame]) -> set[str]:
    places = np.concatenate([own[["earlier", "later"]].to_numpy(int).ravel() for own in pairs])
    return set(inputs.scans["subject"].to_numpy()[places])
