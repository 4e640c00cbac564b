"""What answers beside the classifier: rows without images, without training, without the other scan, and the oracle."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.evaluation.change.answers import Answers, change_of, places
from clinimcl.evaluation.change.distance import age, years
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.change.logistic import fit_and_answer
from clinimcl.evaluation.metrics import Absent

Answered = Int[np.ndarray, " answer"]
Places = Int[np.ndarray, " pair"]
Features = Float[np.ndarray, "pair feature"]


def predictions(inputs: ChangeInputs, answers: Answers) -> dict[str, Answered | Absent]:
    """Class by row; the classifier's is the first."""
    return {
        "classifier": answers.mean(inputs.probabilities).argmax(axis=1),
        "score_difference": from_score(
            inputs, answers, inputs.predicted, "the encoder was not trained to regress a score"
        ),
        **learned(inputs, answers),
        "oracle": from_score(inputs, answers, inputs.truth, "only a generated cohort knows scores without noise"),
    }


def from_score(
    inputs: ChangeInputs, answers: Answers, score: Float[np.ndarray, " scan"] | None, reason: str
) -> Answered | Absent:
    return Absent(reason) if score is None else change_of(inputs, answers, score.astype(float))


def learned(inputs: ChangeInputs, answers: Answers) -> dict[str, Answered | Absent]:
    """Multinomial logistic regressions, trained on the classifier's training pairs."""
    change = inputs.train["change"].to_numpy(int)
    trained = features(inputs, inputs.train["earlier"].to_numpy(int), inputs.train["later"].to_numpy(int))
    if not len(change):
        return dict.fromkeys(trained, Absent("there are no training pairs to learn from"))
    tested = features(inputs, *places(inputs))
    return {
        name: answers.mean(fit_and_answer(own, change, tested[name])).argmax(axis=1) for name, own in trained.items()
    }


def features(inputs: ChangeInputs, earlier: Places, later: Places) -> dict[str, Features]:
    """What each row sees of a pair."""
    return {
        "pooled_pixels": inputs.pixels[later].astype(float) - inputs.pixels[earlier],
        "earlier_only": inputs.embeddings[earlier].astype(float),
        "later_only": inputs.embeddings[later].astype(float),
        "earlier_score": inputs.scans[["score"]].to_numpy(float)[earlier],
        "covariates": covariates(inputs, earlier, later),
    }


def covariates(inputs: ChangeInputs, earlier: Places, later: Places) -> Features:
    """Age, interval, and a mark for each sex and site, of both people; one that no training pair has weighs nothing."""
    sex, site = marks(inputs.scans["sex"]), marks(inputs.scans["site"])
    numbers = [age(inputs, earlier), years(inputs, earlier, later)]
    return np.column_stack([*numbers, sex[earlier], sex[later], site[earlier], site[later]])


def marks(values: "pd.Series[str]") -> Float[np.ndarray, "scan known"]:
    """A column for each value, unknown being one of them."""
    text = values.astype(object).fillna("").astype(str).to_numpy(str)
    return (text[:, None] == np.unique(text)[None, :]).astype(float)
