import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.groups.card import group_lines
from clinimcl.evaluation.groups.comparison import GroupEvaluation
from clinimcl.evaluation.groups.context import group_context
from clinimcl.evaluation.groups.figures import group_figures
from clinimcl.evaluation.groups.measure import evaluate_groups
from clinimcl.evaluation.groups.writing import gap_table, group_entries, value_table, without_groups, write_groups
from clinimcl.evaluation.statistics.metrics import Absent

SITES = ["A"] * 30 + ["<B>"] * 30 + ["few | and\nsmall"] * 4 + ["one"] + [None] * 2


@pytest.fixture(scope="module")
def groups(headline) -> GroupEvaluation:
    """A site whose error is larger by two deviations; a small one, one of one subject, two unknown."""
    rng = np.random.default_rng(0)
    value = rng.normal(size=67) + 2 * np.array([site == "<B>" for site in SITES])
    sex = ["F", "M"] * 33 + ["F"]
    one = headline(value, list(range(67)), site=SITES, sex=sex)
    who = [f"S{row}" for row in range(67)]
    table = pd.DataFrame({"subject": who, "site": SITES, "sex": sex, "split": "test"})
    table = table.assign(session="1", day=0.0)
    return evaluate_groups([one], table, ["sex", "site", "interval"], 0)


def test_they_stand_beside_the_metrics(groups, tmp_path: Path):
    (tmp_path / "evaluation.json").write_text('{"accuracy": {"value": 0.5}}')
    write_groups(groups, tmp_path)
    entries = json.loads((tmp_path / "evaluation.json").read_text())
    assert without_groups(entries) == {"accuracy": {"value": 0.5}}
    assert entries["groups"]["least_subjects"] == 10


def test_an_entry_holds_values_sizes_and_the_gap(groups):
    site = group_entries(groups)["headlines"]["score_mae"]["site"]
    assert set(site["groups"]) == {"A", "<B>"}
    assert (site["too_few"], site["of_one"]) == ({"few | and\nsmall": 4}, 1)
    assert site["unknown"] == {"n_subjects": 2, "n_items": 2}
    assert site["gap"]["worst"] == "<B>" and site["gap"]["p_holm"] <= 0.05
    assert site["gap"]["low"] < 2 < site["gap"]["high"]


def test_a_gap_that_cannot_be_had_has_its_reason(groups):
    gap = group_entries(groups)["headlines"]["score_mae"]["interval"]["gap"]
    assert gap == {"absent": "its items are single scans, or of two people"}


def test_the_report_escapes_names_and_names_nobody_who_is_alone(groups):
    context = group_context(groups)
    text = json.dumps(context, ensure_ascii=False)
    assert "1 group of one" in text and '"one"' not in text
    assert context["alarmed"] and context["headlines"][0]["alarmed"]


def test_the_figure_is_that_of_the_headline_that_differs(groups):
    figures = group_figures(groups)
    assert list(figures) == ["groups_score_mae"]
    figure = figures["groups_score_mae"]
    assert figure is not None and [own.get_title(loc="left") for own in figure.axes] == ["sex", "site"]


def test_a_row_a_gap_goes_to_the_dashboard(groups):
    columns, rows = gap_table(groups)
    assert [row[:4] for row in rows][1] == ["score_mae", "site", "<B>", "A"]
    assert all(len(row) == len(columns) for row in rows)


def test_a_row_a_headline_and_group_goes_to_the_dashboard_and_small_groups_do_not(groups):
    columns, rows = value_table(groups)
    assert [row[1:3] for row in rows] == [["sex", "F"], ["sex", "M"], ["site", "<B>"], ["site", "A"]]
    row = dict(zip(columns, rows[2], strict=True))
    assert row["low"] < row["value"] < row["high"]
    assert (row["subjects"], row["items"]) == (30, 30)


def test_a_group_without_a_value_keeps_its_size_on_the_dashboard(groups):
    site = groups.comparisons[1]
    absent = site.groups["A"]._replace(outcome=Absent("one of the classes has no item here"))
    lacking = site._replace(groups={"A": absent})
    assert value_table(groups._replace(comparisons=[lacking]))[1] == [
        ["score_mae", "site", "A", None, None, None, 30, 30]
    ]


def test_nothing_in_a_name_ends_a_cell_of_the_model_card(groups):
    lines = group_lines(group_entries(groups))
    assert [row[2] for row in lines.rows] == ["F", "M", "&lt;B>", "A"]
    assert [row[2:4] for row in lines.gaps][1] == ("&lt;B>", "A")


def test_a_run_without_groups_has_an_empty_card():
    assert group_lines({}).rows == []
