"""The headlines of each kind of run, item by item."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.evaluation.change.answers import answers_of, places
from clinimcl.evaluation.change.inputs import KINDS, ChangeInputs
from clinimcl.evaluation.change.regression import scored
from clinimcl.evaluation.contrastive.inputs import Embedded
from clinimcl.evaluation.contrastive.retrieval import DAYS_PER_YEAR, cosine_similarity, other_sessions, retrieve
from clinimcl.evaluation.contrastive.sessions import sessions_of
from clinimcl.evaluation.contrastive.time_order import subject_taus
from clinimcl.evaluation.groups.headlines import Headline, Values
from clinimcl.evaluation.probes.inputs import ProbeInputs
from clinimcl.evaluation.probes.targets import Items, items_of
from clinimcl.evaluation.statistics.confusion import SIGNED, UNIT
from clinimcl.evaluation.statistics.intervals import REALS
from clinimcl.evaluation.statistics.linear_probes import classify, components, regress
from clinimcl.evaluation.statistics.metrics import Absent

POSITIVE = (0.0, np.inf)
STEPS = (0.0, 2.0)  # of change between an answer and the truth
SIGNED_STEPS = (-2.0, 2.0)

Features = Float[np.ndarray, "item component"]
Vectors = Float[np.ndarray, "scan dimension"]


def contrastive_headlines(embedded: Embedded) -> list[Headline]:
    """Of the reported epoch: retrieval, a query an item; time order, a subject an item."""
    test = embedded.table("test")
    vectors = embedded.vectors(embedded.best, "test")
    return [*retrieval_headline(test, vectors), *order_headline(embedded, test, vectors)]


def retrieval_headline(test: pd.DataFrame, vectors: Vectors) -> list[Headline]:
    """A query is in the groups of its scan; its interval is that to its nearest positive."""
    positive = other_sessions(test)
    asked = np.flatnonzero(positive.any(axis=1))
    if not len(asked):
        return []
    found = retrieve(test, cosine_similarity(vectors), positive)["top1"].to_numpy(float)
    days = test["day"].to_numpy(float)
    apart = np.where(positive, np.abs(days[:, None] - days), np.inf).min(axis=1)
    one = plain("retrieval_top1", "high", UNIT, found, test.iloc[asked])
    values = one.values._replace(by_subject=True)
    return [one._replace(values=values, years=apart[asked] / DAYS_PER_YEAR)]


def order_headline(embedded: Embedded, test: pd.DataFrame, vectors: Vectors) -> list[Headline]:
    """Of a subject's scans, its first and its last say of which groups it is."""
    train = sessions_of(embedded.table("train"), embedded.vectors(embedded.best, "train"))
    taus = subject_taus(train, sessions_of(test, vectors))
    if isinstance(taus, Absent) or taus.empty:
        return []
    ordered = test[test["subject"].isin(taus.index)].sort_values(["subject", "day"], kind="stable")
    first = ordered.drop_duplicates("subject", keep="first")
    last = ordered.drop_duplicates("subject", keep="last")
    value = taus.loc[first["subject"]].to_numpy(float)
    one = plain("order_tau", "high", SIGNED, value, first)
    return [one._replace(later=last, years=years_between(first, last))]


def change_headlines(inputs: ChangeInputs) -> list[Headline]:
    """Of the classifier, an answer an item; of the regressed score, a scan an item."""
    return [*answer_headlines(inputs), *score_headlines(inputs)]


def answer_headlines(inputs: ChangeInputs) -> list[Headline]:
    """Right or not, and by how many of the steps deteriorated, stable, improved it is off."""
    answers = answers_of(inputs)
    first = np.unique(answers.of_pair, return_index=True)[1]
    scans = [inputs.scans.iloc[rows[first]] for rows in places(inputs)]
    answered = answers.mean(inputs.probabilities).argmax(axis=1)
    found = pair_headlines(answers.change, answered, scans[0], scans[1])
    years = years_between(scans[0], scans[1]) if inputs.kind == KINDS[0] else None
    one, other = answers.earlier, answers.later
    values = [own.values._replace(subject=one, other=other) for own in found]
    pairs = zip(found, values, strict=True)
    return [own._replace(values=people, years=years) for own, people in pairs]


def pair_headlines(
    change: Int[np.ndarray, " pair"],
    answered: Int[np.ndarray, " pair"],
    earlier: pd.DataFrame,
    later: pd.DataFrame,
    prefix: str = "",
) -> list[Headline]:
    right = (answered == change).astype(float)
    off = (answered - change).astype(float)
    accuracy = plain(f"{prefix}accuracy", "high", UNIT, right, earlier)
    found = [
        by_class(accuracy._replace(name=f"{prefix}balanced_accuracy"), change),
        accuracy,
        plain(f"{prefix}steps_off", "low", STEPS, np.abs(off), earlier),
        plain(f"{prefix}signed_steps_off", "zero", SIGNED_STEPS, off, earlier),
    ]
    return [own._replace(later=later, judged_by="severity") for own in found]


def score_headlines(inputs: ChangeInputs) -> list[Headline]:
    rows = scored(inputs, "test")
    if inputs.predicted is None or not rows.any():
        return []
    scans = inputs.scans[rows]
    error = inputs.predicted[rows].astype(float) - scans["score"].to_numpy(float)
    return error_headlines("score", error, scans, "severity")


def error_headlines(
    name: str, error: Float[np.ndarray, " item"], scans: pd.DataFrame, judged_by: str
) -> list[Headline]:
    """Mean absolute error, and the mean of the signed one: answered minus true."""
    found = [
        plain(f"{name}_mae", "low", POSITIVE, np.abs(error), scans),
        plain(f"{name}_bias", "zero", REALS, error, scans),
    ]
    return [own._replace(judged_by=judged_by) for own in found]


def probe_headlines(inputs: ProbeInputs) -> list[Headline]:
    """Of linear probes of the trained encoder: score and age, a session an item; diagnosis."""
    train = (inputs.scans["split"] == "train").to_numpy(bool)
    if not train.any():
        return []
    features = components(inputs.trained.astype(float), train)
    found: list[Headline] = []
    for name, judged_by in (("score", "severity"), ("age", "age")):
        items = items_of(inputs.scans, name)
        if isinstance(items, Items):
            scans = tested_scans(inputs.scans, items)
            error = probe_error(items, items.mean(features))
            found += error_headlines(f"probe_{name}", error, scans, judged_by)
    items = items_of(inputs.scans, "diagnosis")
    if isinstance(items, Items):
        found += diagnosis_headline(items, items.mean(features), inputs.scans)
    return found


def probe_error(items: Items, features: Features) -> Float[np.ndarray, " test"]:
    train = items.train
    answered = regress(features[train], items.label[train], features[~train])
    return answered - items.label[~train]


def diagnosis_headline(items: Items, features: Features, scans: pd.DataFrame) -> list[Headline]:
    train, label = items.train, items.label.astype(int)
    probability = classify(features[train], label[train], features[~train], len(items.classes))
    right = (probability.argmax(axis=1) == label[~train]).astype(float)
    name = "probe_diagnosis_balanced_accuracy"
    one = plain(name, "high", UNIT, right, tested_scans(scans, items))
    return [by_class(one, label[~train])._replace(judged_by="severity")]


def tested_scans(scans: pd.DataFrame, items: Items) -> pd.DataFrame:
    """The first scan of each test item."""
    known = np.flatnonzero(items.of_scan >= 0)
    first = np.unique(items.of_scan[known], return_index=True)[1]
    return scans.iloc[known[first][~items.train]]


def plain(
    name: str,
    aim: str,
    bounds: tuple[float, float],
    value: Float[np.ndarray, " item"],
    scans: pd.DataFrame,
) -> Headline:
    """A mean over items of one subject and one scan each."""
    subject = scans["subject"].factorize()[0]
    one_class = np.zeros(len(value), dtype=int)
    values = Values(value, one_class, subject, subject, bounds)
    return Headline(name, aim, values, scans, scans)


def by_class(headline: Headline, classes: Int[np.ndarray, " item"]) -> Headline:
    """The mean of the means of the classes that the test has."""
    of_class = np.unique(classes, return_inverse=True)[1]
    return headline._replace(values=headline.values._replace(of_class=of_class))


def years_between(earlier: pd.DataFrame, later: pd.DataFrame) -> Float[np.ndarray, " pair"]:
    return (later["day"].to_numpy(float) - earlier["day"].to_numpy(float)) / DAYS_PER_YEAR
