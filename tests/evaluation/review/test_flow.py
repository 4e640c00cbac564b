import numpy as np
import pandas as pd
import pytest

from clinimcl.evaluation.review.diagram import diagram
from clinimcl.evaluation.review.flow import Use, flow, flow_entry


def table(seed: int = 0) -> pd.DataFrame:
    """60 scans of 20 subjects with gaps of every kind."""
    rng = np.random.default_rng(seed)
    subject = rng.integers(20, size=60)
    return pd.DataFrame(
        {
            "subject": [f"ADNI{number}" for number in subject],
            "session": [f"M{number}" for number in rng.integers(4, size=60)],
            "zone": "",
            "path": [f"/data/ADNI/{number}.nii.gz" for number in range(60)],
            "score": np.where(rng.random(60) < 0.3, np.nan, 20.0),
            "split": np.array(["train", "validation", "test"])[subject % 3],
            "reason": rng.choice(["", "", "", "truncated: 5 bytes", "truncated: 7 bytes", "ADNI3 is flat"], 60),
        }
    )


def uses_of(scans: pd.DataFrame, used: np.ndarray) -> list[Use]:
    paths = frozenset(scans.loc[used, "path"])
    needs = ("score", "other session", "first run")
    return [Use(split, "test", paths, needs, "no partner") for split in ("train", "validation", "test")]


def names(scans: pd.DataFrame) -> dict[str, str]:
    return {subject: f"subject {number}" for number, subject in enumerate(scans["subject"].unique(), 1)}


@pytest.mark.parametrize("seed", range(5))
def test_scans_found_are_those_used_and_each_exclusion(seed):
    scans = table(seed)
    made = flow(scans, uses_of(scans, np.random.default_rng(seed).random(60) < 0.5), names(scans))
    assert made.found.scans == made.usable.scans + sum(own.size.scans for own in made.set_aside)
    assert made.usable.scans == sum(own.scans for own in made.splits.values())
    for branch in made.branches:
        excluded = sum(own.size.scans for own in branch.excluded)
        assert made.splits[branch.split].scans == branch.used.scans + excluded


def test_a_scan_is_excluded_for_the_first_reason_that_holds():
    scans = table().assign(reason="")
    made = flow(scans, uses_of(scans, np.zeros(60, bool)), names(scans))
    unscored = scans[(scans["split"] == "test") & scans["score"].isna()]
    counted = {own.reason: own.size.scans for own in made.branches[2].excluded}
    assert counted["no health score"] == len(unscored)


def test_a_used_scan_is_not_excluded_though_it_misses_a_need():
    scans = table().assign(reason="", score=np.nan)
    made = flow(scans, uses_of(scans, np.ones(60, bool)), names(scans))
    assert [branch.excluded for branch in made.branches] == [[], [], []]


def test_reasons_are_counted_by_kind_and_name_no_subject():
    scans = table()
    made = flow(scans, [], names(scans))
    shortened = {own.reason for own in made.set_aside}
    assert "truncated" in shortened and not any("ADNI" in reason for reason in shortened)


def test_the_entry_of_flow_json_has_the_same_numbers():
    scans = table()
    entry = flow_entry(flow(scans, uses_of(scans, scans["score"].notna().to_numpy()), names(scans)))
    assert entry["found"] == {"scans": 60, "subjects": scans["subject"].nunique()}
    assert (
        entry["uses"][0]["used"]["scans"] + sum(own["scans"] for own in entry["uses"][0]["excluded"])
        == (entry["splits"]["train"]["scans"])
    )


def test_boxes_of_the_diagram_hold_their_lines_and_do_not_overlap():
    scans = table()
    drawn = diagram(flow(scans, uses_of(scans, np.ones(60, bool)), names(scans)))
    for one in drawn.boxes:
        others = [other for other in drawn.boxes if other is not one and other.x == one.x]
        assert all(other.y >= one.bottom or other.bottom <= one.y for other in others)
        assert one.bottom <= drawn.height and one.height >= 16 * len(one.lines)
