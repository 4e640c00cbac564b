"""What has to be said of a test of health change, in sentences."""

import pandas as pd

from clinimcl.cohorts.change import CHANGES
from clinimcl.evaluation.change.baselines import enough
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.change.wording import ROWS, WITHOUT_REPRESENTATION
from clinimcl.evaluation.statistics.metrics import Metric, Outcome
from clinimcl.evaluation.wording import interval, number, verb

COLLAPSED = 0.95  # of the answers are one class

KIND_SENTENCES = {
    "intra-subject": "Tested on pairs of scans of one person at two times.",
    "inter-subject": "Tested on held-out pairs of two different people{}: this is not yet change within a person.",
    "zone contrast": "Tested on the contrast of two zones of one person at one visit, which is not health change.",
}


def notes(inputs: ChangeInputs, metrics: dict[str, Outcome], by_class: pd.DataFrame) -> list[str]:
    """The kind of test first, then what it showed, then what limits it."""
    sentences = [kind(inputs), headline(metrics), beside_rows(metrics), regressed(metrics), taught(inputs)]
    sentences += [before(inputs), collapse(by_class), absent_classes(by_class), method(metrics, inputs.kind)]
    sentences += [inputs.rule.sentence]
    return [sentence for sentence in sentences if sentence]


def kind(inputs: ChangeInputs) -> str:
    tested = inputs.scans[inputs.scans["split"] == "test"]
    repeated = (tested.groupby("subject")["session"].nunique() > 1).any()
    return KIND_SENTENCES[inputs.kind].format("" if repeated else ", because no test subject has two sessions")


def headline(metrics: dict[str, Outcome]) -> str:
    own = metrics["balanced_accuracy"]
    if not isinstance(own, Metric):
        return f"Balanced accuracy cannot be given: {own.reason}."
    accuracy, oracle = metrics["accuracy"], metrics["oracle_balanced_accuracy"]
    sentence = (
        f"On {own.n_items} answers of {own.n_subjects} held-out subjects, balanced accuracy is {number(own.value)} "
        f"(95\u00a0% interval {interval(own)}; chance {number(own.chance or 0)})"
    )
    if isinstance(accuracy, Metric):
        sentence += f" and accuracy {number(accuracy.value)} (largest class {number(accuracy.majority or 0)})"
    if isinstance(oracle, Metric):
        sentence += f"; the true scores under the same rule reach {number(oracle.value)}"
    return sentence + "."


def beside_rows(metrics: dict[str, Outcome]) -> str:
    """The best row that uses no learned representation."""
    rows = {name: metrics[f"{name}_balanced_accuracy"] for name in WITHOUT_REPRESENTATION}
    measured = {name: outcome for name, outcome in rows.items() if isinstance(outcome, Metric)}
    if not measured:
        return ""
    best = max(measured, key=lambda name: measured[name].value)
    return f"Of the rows without a learned representation, the best is {versus(best, metrics)}."


def regressed(metrics: dict[str, Outcome]) -> str:
    row = metrics["score_difference_balanced_accuracy"]
    return f"Beside it stands the {versus('score_difference', metrics)}." if isinstance(row, Metric) else ""


def taught(inputs: ChangeInputs) -> str:
    """What the rows that learn learned from."""
    own, alike = len(inputs.train), len(inputs.alike)
    if not own:
        return ""
    if inputs.alike.equals(inputs.train):
        return f"The rows that learn were trained on the classifier's {own} pairs, which are of the tested kind."
    if not enough(inputs.alike):
        return (
            f"The rows that learn were trained on the classifier's {own} pairs, since of the tested kind training "
            f"subjects have {alike or 'none'} here, and 2 of each of 2 classes are needed."
        )
    lacking = [name for number, name in enumerate(CHANGES) if not (inputs.alike["change"] == number).any()]
    return (
        f"The rows that learn were trained on {alike} pairs of the tested kind, of training subjects; those that see "
        f"images as much on the classifier's {own}."
        + (f" None of the {alike} is {lacking[0]}, so that rows without images never answer it." if lacking else "")
    )


def before(inputs: ChangeInputs) -> str:
    """Of which encoder the rows and figures are that see single scans."""
    if not inputs.tuned:
        return ""
    regressed = "" if inputs.predicted is None else ", the regressed scores"
    return (
        f"The classifier trained the encoder on: the rows of one scan{regressed} and the distances of embeddings are "
        "those of the encoder before."
    )


def versus(name: str, metrics: dict[str, Outcome]) -> str:
    row, difference = metrics[f"{name}_balanced_accuracy"], metrics[f"balanced_accuracy_minus_{name}"]
    assert isinstance(row, Metric)
    text = f"{ROWS[name][0]} with {number(row.value)}"
    if not isinstance(difference, Metric):
        return text
    return f"{text}; the classifier {verb(difference)} (difference {number(difference.value)}, {interval(difference)})"


def collapse(by_class: pd.DataFrame) -> str:
    shares = by_class["answered"] / by_class["answered"].sum()
    if shares.max() < COLLAPSED:
        return ""
    return (
        f"The classifier has collapsed: it answers {shares.idxmax()} for {shares.max():.0%} of all pairs, so that its "
        "accuracy is little but that class's share."
    )


def absent_classes(by_class: pd.DataFrame) -> str:
    sentences = []
    untested, untrained = (list(by_class.index[by_class[name] == 0]) for name in ("test answers", "training pairs"))
    if untested:
        kept = ", ".join(name for name in by_class.index if name not in untested)
        sentences.append(
            f"No test answer is {' or '.join(untested)}: means over classes are over those that there are ({kept})."
        )
    if untrained:
        sentences.append(f"No training pair is {' or '.join(untrained)}, so that nothing trained here can answer it.")
    return " ".join(sentences)


def method(metrics: dict[str, Outcome], kind: str) -> str:
    """How the intervals came about."""
    if not isinstance(metrics["accuracy"], Metric):
        return ""
    both = "; both people of a pair are left out in turn" if kind == "inter-subject" else ""
    return (
        "Intervals are 95\u00a0% intervals over subjects: Student's t of the jackknife, leaning to the longer tail; of "
        "shares at least the exact binomial one; of statistics over classes, class by class; of correlations "
        f"Fisher's{both}."
    )
