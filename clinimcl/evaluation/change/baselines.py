"""What answers beside the classifier: rows without images, without training, without the other scan, and the oracle."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.cohorts.schema import BRAIN_VOLUMES
from clinimcl.evaluation.change.answers import Answers, change_of, places
from clinimcl.evaluation.change.distance import age, years
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.statistics.logistic import binned, fit_and_answer
from clinimcl.evaluation.statistics.metrics import Absent

Answered = Int[np.ndarray, " answer"]
Places = Int[np.ndarray, " pair"]
Features = Float[np.ndarray, "pair feature"]
Probabilities = Float[np.ndarray, "pair 3"]

WITH_IMAGES = ("pooled_pixels", "earlier_only", "later_only")
LEARNED = (*WITH_IMAGES, "earlier_score", "covariates", "brain_volume")


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
    absent = without_volumes(inputs.scans)
    if inputs.train.empty:
        return dict.fromkeys(LEARNED, Absent("there are no training pairs to learn from")) | absent
    names = tuple(name for name in LEARNED if name not in absent)
    found = asked(inputs, inputs.alike if enough(inputs.alike) else inputs.train, names)
    beside = asked(inputs, inputs.train, WITH_IMAGES)
    found |= {name: (found[name] + own) / 2 for name, own in beside.items()}
    return {name: answers.mean(own).argmax(axis=1) for name, own in found.items()} | absent


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
        if name == "brain_volume":
            train, test = filled(train, test)
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
        "brain_volume": volume_change(inputs.scans, earlier, later),
    }


def volumes(scans: pd.DataFrame) -> list[str]:
    """The columns of volume of which some scan has a value; none where no scan has nWBV."""
    first, *_ = BRAIN_VOLUMES
    known = [name for name in BRAIN_VOLUMES if name in scans and numeric(scans[name]).notna().any()]
    return known if first in known else []


def without_volumes(scans: pd.DataFrame) -> dict[str, Answered | Absent]:
    """The row of the brain's volume, where there can be none."""
    if volumes(scans):
        return {}
    return {"brain_volume": Absent("no table of the cohort gives nWBV, the whole brain as a share of the head")}


def volume_change(scans: pd.DataFrame, earlier: Places, later: Places) -> Features:
    """Later minus earlier, NaN where one of the two is not known."""
    columns = [numeric(scans[name]).to_numpy(float) for name in volumes(scans)]
    differences = [values[later] - values[earlier] for values in columns]
    return np.stack(differences, axis=1) if differences else np.zeros((len(earlier), 0))


def numeric(text: pd.Series) -> pd.Series:
    """Cells as the table has them; what is no number is not known."""
    return pd.to_numeric(text, errors="coerce").astype(float)


def filled(
    train: Float[np.ndarray, "train feature"], test: Float[np.ndarray, "test feature"]
) -> tuple[Float[np.ndarray, "train feature"], Float[np.ndarray, "test feature"]]:
    """What is not known is the mean of the training pairs."""
    known = np.isfinite(train)
    mean = np.where(known, train, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known, train, mean), np.where(np.isfinite(test), test, mean)


def covariates(inputs: ChangeInputs, earlier: Places, later: Places) -> Features:
    """Age, interval, and a mark for each sex and site, of both people; one that no training pair has weighs nothing."""
    sex, site = marks(inputs.scans["sex"]), marks(inputs.scans["site"])
    numbers = [age(inputs, earlier), years(inputs, earlier, later)]
    return np.column_stack([*numbers, sex[earlier], sex[later], site[earlier], site[later]])


def marks(values: "pd.Series[str]") -> Float[np.ndarray, "scan known"]:
    """A column for each value, unknown being one of them."""
    text = values.astype(object).fillna("").astype(str).to_numpy(str)
    return (text[:, None] == np.unique(text)[None, :]).astype(float)
