"""From pairs of scans to answers: the zones of one pair of visits are answered together."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.evaluation.change.inputs import ChangeInputs


class Answers(NamedTuple):
    """What the classifier is asked, once for each pair of visits."""

    change: Int[np.ndarray, " answer"]
    of_pair: Int[np.ndarray, " pair"]  # to which answer a test pair belongs
    earlier: Int[np.ndarray, " answer"]  # subject of the earlier scan, counted from 0
    later: Int[np.ndarray, " answer"]  # of the later one: another subject in inter-subject tests

    def mean(self, values: Float[np.ndarray, "pair *value"]) -> Float[np.ndarray, "answer *value"]:
        """Mean over the pairs of each answer."""
        total = np.zeros((len(self.change), *values.shape[1:]))
        np.add.at(total, self.of_pair, values)
        size = np.bincount(self.of_pair).reshape(-1, *[1] * (values.ndim - 1))
        return total / size


def answers_of(inputs: ChangeInputs) -> Answers:
    """Where the zones of an answer changed differently, the rule judges their mean scores."""
    _, first, of_pair = np.unique(inputs.test["answer"].to_numpy(int), return_index=True, return_inverse=True)
    subject = inputs.scans["subject"].factorize()[0]
    earlier, later = places(inputs)
    _, ends = np.unique(np.stack([subject[earlier[first]], subject[later[first]]]), return_inverse=True)
    answers = Answers(inputs.test["change"].to_numpy(int)[first], of_pair, *ends.reshape(2, -1))
    return answers._replace(change=agreed(inputs, answers))


def agreed(inputs: ChangeInputs, answers: Answers) -> Int[np.ndarray, " answer"]:
    differs = answers.change[answers.of_pair] != inputs.test["change"].to_numpy()
    if not differs.any():
        return answers.change
    mixed = np.bincount(answers.of_pair, weights=differs) > 0
    return np.where(mixed, change_of(inputs, answers, inputs.scans["score"].to_numpy(float)), answers.change)


def change_of(inputs: ChangeInputs, answers: Answers, score: Float[np.ndarray, " scan"]) -> Int[np.ndarray, " answer"]:
    """What the rule says of any score of the scans, meaned over the zones of an answer."""
    earlier, later = places(inputs)
    return inputs.rule.change(answers.mean(score[earlier]), answers.mean(score[later]))


def answer_table(inputs: ChangeInputs, answers: Answers) -> pd.DataFrame:
    """A row an answer: subject and other (of the later scan), true change, answered change and its probabilities.

    Subjects are places in the sorted list of those tested: runs on one split and the same scans agree on them.
    """
    first = np.unique(answers.of_pair, return_index=True)[1]
    earlier, later = (inputs.scans["subject"].to_numpy(str)[rows[first]] for rows in places(inputs))
    tested = np.unique([earlier, later])
    probabilities = answers.mean(inputs.probabilities)
    return pd.DataFrame(
        {
            "answer": np.arange(len(first)),
            "subject": np.searchsorted(tested, earlier),
            "other": np.searchsorted(tested, later),
            "change": answers.change,
            "answered": probabilities.argmax(axis=1),
            **{f"p{number}": probabilities[:, number] for number in range(probabilities.shape[1])},
        }
    )


def places(inputs: ChangeInputs) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
    """Positions of the two scans of each test pair."""
    return inputs.test["earlier"].to_numpy(int), inputs.test["later"].to_numpy(int)
