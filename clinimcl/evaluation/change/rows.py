"""What answers beside the classifier: rows without images, without training, without the other scan, and the oracle."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.evaluation.change.answers import Answers, change_of, places
from clinimcl.evaluation.change.distance import age, years
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.change.logistic import binned, fit_and_answer
from clinimcl.evaluation.metrics import Absent

Answered = Int[np.ndarray, " answer"]
Places = Int[np.ndarray, " pair"]
Features = Float[np.ndarray, "pair feature"]
Probabilities = Float[np.ndarray, "pair 3"]

WITH_IMAGES = ("pooled_pixels", "earlier_only", "later_only")
LEARNED = (*WITH_IMAGES, "earlier_score", "covariates")


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
    """Multinomial logistic regressions, trained on training subjects' pairs of the kind that is tested.

    Without images nothing else teaches them: neither the interval nor the score of one person says of another what it
    says of oneself. What images teach, the classifier's pairs teach too: there, the mean of two regressions answers.
    """
    if inputs.train.empty:
        return dict.fromkeys(LEARNED, Absent("there are no training pairs to learn from"))
    found = asked(inputs, inputs.alike if enough(inputs.alike) else inputs.train, LEARNED)
    beside = asked(inputs, inputs.train, WITH_IMAGES)
    found |= {name: (found[name] + own) / 2 for name, own in beside.items()}
    return {name: answers.mean(own).argmax(axis=1) for name, own in found.items()}


def enough(pairs: pd.DataFrame) -> bool:
    """Whether two classes have two pairs each."""
    return int((pairs["change"].value_counts() >= 2).sum()) >= 2


def asked(inputs: ChangeInputs, pairs: pd.DataFrame, names: tuple[str, ...]) -> dict[str, Probabilities]:
    """Of the test pairs, by row."""
    change = pairs["change"].to_numpy(int)
    trained = features(inputs, pairs["earlier"].to_numpy(int), pairs["later"].to_numpy(int))
    tested = features(inputs, *places(inputs))
    found = {}
    for name in names:
        train, test = trained[name], tested[name]
        if name == "earlier_score":
            train, test = binned(train, test)  # with ceilings, it is no line
        found[name] = fit_and_answer(train, change, test)
    return found


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
