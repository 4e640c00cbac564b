import json
import re

import pandas as pd
import pytest

from clinimcl.evaluation.review.facts import Measured, harmonisation_fact, known_facts, predictors_fact
from clinimcl.evaluation.review.flow import flow
from clinimcl.evaluation.review.measure import decision, review, worst
from clinimcl.evaluation.review.record import cost_note, cost_rows, seeds
from clinimcl.evaluation.review.writing import write_review
from clinimcl.evaluation.statistics.metrics import Absent


def test_a_harmonised_run_says_that_the_scanner_is_an_input(inputs):
    plain = inputs()
    facts = plain.facts._replace(settings={**plain.facts.settings, "harmonise": "combat"})
    assert "no others" in predictors_fact(plain) and "scanner" not in predictors_fact(plain)
    assert "the scanner or site of each, and age and sex" in predictors_fact(plain._replace(facts=facts))
    assert "harmonise=combat" in harmonisation_fact("combat") and harmonisation_fact(None) == ""


@pytest.fixture(scope="module")
def measured(inputs):
    return review(inputs())


@pytest.fixture(scope="module")
def written(inputs, measured, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "review"
    write_review(inputs(), measured, folder)
    return folder


def test_the_pack_is_a_page_and_tables_for_machines(written):
    names = {path.name for path in written.iterdir()}
    assert {"review.html", "people.csv", "flow.json", "checklists.json", "review.json", "worst.csv"} <= names
    assert {"decision_curve.csv", "figures"} <= names and "robustness.csv" not in names


def test_nothing_of_the_pack_names_a_subject_or_a_path(written):
    folder = written
    for path in folder.iterdir():
        if path.is_file():
            assert not re.search(r"ADNI\d|/data", path.read_text()), path.name


def test_the_page_is_escaped_and_needs_nothing_beside_it(written):
    page = (written / "review.html").read_text()
    assert "a &lt;run&gt;" in page and "outside &lt;the scale&gt;" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page) and "<script" not in page


def test_the_page_shows_ten_pairs_and_says_why_one_is_not_shown(inputs, measured, written, tmp_path):
    page = (written / "review.html").read_text()
    assert page.count('alt="Pair 10: ') == 6
    reason = Absent("a scan is not pictured, since it has a face")
    write_review(inputs(picture=lambda path: reason), measured, tmp_path)
    page = (tmp_path / "review.html").read_text()
    assert 'alt="Pair ' not in page and page.count("A scan is not pictured, since it has a face.") == 1


def test_parts_that_are_absent_say_why(written):
    folder = written
    assert json.loads((folder / "review.json").read_text())["absent"]["robustness"].startswith("it was not asked for")
    assert "It was not asked for (review_scans=0)." in (folder / "review.html").read_text()


def test_the_flow_counts_every_scan(written, inputs):
    flow = json.loads((written / "flow.json").read_text())
    assert flow["found"]["scans"] == flow["usable"]["scans"] + flow["set_aside"][0]["scans"] == len(inputs().table)
    assert "ADNI" not in flow["set_aside"][0]["reason"]


def test_worst_pairs_are_in_a_table_of_their_own(written):
    table = pd.read_csv(written / "worst.csv")
    assert len(table) == 10 and (table["true"] != table["answered"]).all()


def test_each_checklist_is_answered_from_the_run(written):
    lists = json.loads((written / "checklists.json").read_text())
    claim = {row["number"]: row for row in lists["CLAIM 2024"]}
    assert (
        claim["22"]["answer"]
        == "CNN3d (channels=[8, 8]), then ChangeClassifier of two embeddings; weights: encoder 1,234, classifier 56."
    )
    assert claim["44"] == {
        "number": "44",
        "asks": "funding",
        "state": "open",
        "answer": "",
        "author": "what only the author knows",
    }
    assert claim["30"]["state"] == "open" and len(lists["TRIPOD+AI"]) == 52


def test_facts_that_a_run_has_not_are_left_out(inputs):
    made = inputs()

    made_flow = flow(made.table, made.uses, made.names)
    known = known_facts(made, Measured(made_flow, decision(made), [], made.robustness, made.occlusion, worst(made)))
    assert not {"robustness", "explanation", "external", "groups", "size"} & set(known)
    assert "MMSE" in known["reference"] and known["clinical"]


def test_a_zone_contrast_has_no_decision_curve(inputs):
    made = inputs()
    made = made._replace(change=made.change._replace(kind="zone contrast"))
    assert "no change that one could treat" in review(made).decision.reason


def test_every_seed_is_told_by_its_key(inputs):
    assert seeds(inputs().facts.settings) == {"seed": 3, "cohort.split.seed": 5, "pretrain.seed": 3}


def test_time_is_in_minutes_and_energy_in_kilowatt_hours(inputs):
    facts = inputs().facts
    assert cost_rows(facts) == [("pretraining", "1.500", "2.000")]
    assert "whole processor packages" in cost_note(facts)


def test_a_machine_that_does_not_tell_its_energy_is_said_to(inputs):
    facts = inputs().facts._replace(costs={"pretraining": {"seconds": 1.0}})
    assert cost_note(facts).startswith("The machine does not tell its energy")
    assert "was not recorded" in cost_note(facts._replace(costs={}))
