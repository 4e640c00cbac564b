import numpy as np
import pandas as pd
import pytest

from clinimcl.cohorts.change import ChangeRule
from clinimcl.evaluation.change.inputs import ChangeInputs
from clinimcl.evaluation.change.measure import evaluate_change
from clinimcl.evaluation.contrastive.inputs import Embedded
from clinimcl.evaluation.contrastive.measure import measure_epoch
from clinimcl.evaluation.groups.headlines import Headline, measure
from clinimcl.evaluation.groups.sources import change_headlines, contrastive_headlines, probe_headlines
from clinimcl.evaluation.probes.inputs import ProbeInputs
from clinimcl.evaluation.probes.measure import evaluate_probes
from clinimcl.evaluation.statistics.metrics import Metric

RNG = np.random.default_rng(0)


def scan_table(subjects: int = 40) -> pd.DataFrame:
    """Three visits of each; the first half trains."""
    number = np.repeat(np.arange(subjects), 3)
    visit = np.tile(np.arange(3), subjects)
    return pd.DataFrame(
        {
            "subject": [f"S{own:03d}" for own in number],
            "session": [f"v{own}" for own in visit],
            "day": visit * 400.0,
            "score": RNG.uniform(18, 30, subjects * 3).round(),
            "score_name": "MMSE",
            "higher_is": "better",
            "age": 60.0 + number % 17 + visit,
            "sex": np.where(number % 2, "F", "M"),
            "site": "A",
            "scanner": "X",
            "zone": "",
            "run": "",
            "split": np.where(number < subjects // 2, "train", "test"),
        }
    )


def whole(headlines: list[Headline]) -> dict[str, Metric]:
    """The figures of all items together."""
    found = {own.name: measure(own.values, own.values.classes) for own in headlines}
    return {name: own for name, own in found.items() if isinstance(own, Metric)}


def test_all_items_together_give_what_is_reported_of_probes():
    scans = scan_table()
    vectors = RNG.normal(size=(len(scans), 6)) + scans[["score"]].to_numpy() / 4
    inputs = ProbeInputs(scans, vectors, vectors)
    found, reported = whole(probe_headlines(inputs)), evaluate_probes(inputs, 0).measured
    for name in ("probe_score_mae", "probe_age_mae", "probe_diagnosis_balanced_accuracy"):
        assert found[name][:5] == pytest.approx(reported[name][:5])


def test_all_items_together_give_what_is_reported_of_a_contrastive_run():
    scans = scan_table()
    vectors = np.repeat(RNG.normal(size=(40, 6)), 3, axis=0) + RNG.normal(0, 0.7, (120, 6))
    embedded = Embedded(scans, {1: vectors}, 1)
    found, reported = whole(contrastive_headlines(embedded)), measure_epoch(embedded, 1)
    assert found["retrieval_top1"][:5] == pytest.approx(reported["retrieval_top1"][:5])
    assert found["order_tau"][:4] == pytest.approx(reported["order_tau"][:4])


def test_a_query_is_as_far_in_time_as_its_nearest_positive():
    scans = scan_table(4)
    scans["day"] = np.tile([0.0, 365.25, 3 * 365.25], 4)
    found = contrastive_headlines(Embedded(scans, {1: RNG.normal(size=(12, 4))}, 1))[0]
    assert found.years.tolist() == pytest.approx([1, 1, 2] * 2)


def change_inputs(kind: str = "intra-subject") -> ChangeInputs:
    scans = scan_table()
    score, rule = scans["score"].to_numpy(), ChangeRule("better", 3.0, ())
    places = [(3 * who + a, 3 * who + b) for who in range(40) for a, b in ((0, 1), (0, 2), (1, 2))]
    earlier, later = np.array(places).T
    if kind == "inter-subject":
        later = np.where(earlier < 60, (later + 3) % 60, 60 + (later + 3) % 60)
    change = rule.change(score[earlier], score[later])
    pairs = pd.DataFrame({"earlier": earlier, "later": later, "change": change, "answer": range(120)})
    train, test = pairs[:60], pairs[60:].reset_index(drop=True)
    probabilities = RNG.dirichlet(np.ones(3), 60)
    return ChangeInputs(
        scans=scans,
        embeddings=RNG.normal(size=(120, 4)),
        predicted=score + RNG.normal(size=120),
        pixels=RNG.normal(size=(120, 5)),
        truth=None,
        train=train,
        alike=train,
        test=test,
        probabilities=probabilities,
        swapped=probabilities[:, ::-1],
        kind=kind,
        rule=rule,
        tuned=False,
        refit=None,
    )


def test_all_items_together_give_what_is_reported_of_change():
    inputs = change_inputs()
    found, reported = whole(change_headlines(inputs)), evaluate_change(inputs, 0).measured
    for name in ("accuracy", "balanced_accuracy", "score_mae"):
        assert found[name][:5] == pytest.approx(reported[name][:5])


def test_the_signed_error_is_answered_minus_measured():
    inputs = change_inputs()
    error = np.resize([1.0, 3.0, 2.5, 0.5], len(inputs.scans))
    shifted = inputs._replace(predicted=inputs.scans["score"].to_numpy(float) + error)
    tested = (inputs.scans["split"] == "test").to_numpy()
    assert whole(change_headlines(shifted))["score_bias"].value == pytest.approx(error[tested].mean())


def test_pairs_of_two_people_have_no_interval_and_two_subjects():
    found = change_headlines(change_inputs("inter-subject"))[0]
    assert found.years is None and found.values.of_two_people


def test_without_what_they_need_there_are_no_headlines():
    scans = scan_table(4)
    alone = scans.drop_duplicates("subject").reset_index(drop=True)
    assert contrastive_headlines(Embedded(alone, {1: RNG.normal(size=(4, 2))}, 1)) == []
    test = scans[scans["split"] == "test"].reset_index(drop=True)
    vectors = RNG.normal(size=(6, 2))
    assert probe_headlines(ProbeInputs(test, vectors, vectors)) == []
