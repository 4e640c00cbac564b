import time

import numpy as np
import pandas as pd

from clinimcl.cohorts.visits import match, no_visits, summary


def scans(*rows: tuple[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(subject, f"d{day:04.0f}", "", day) for subject, day in rows], columns=["subject", "session", "run", "day"]
    )


def visits(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["subject", "day", "score"])


def test_the_nearest_day_of_the_same_subject_wins():
    found = match(
        scans(("A", 100), ("B", 100)), visits(("A", 90, 1.0), ("A", 150, 2.0), ("B", 130, 3.0)), window_days=365
    )
    assert found.scans["score"].tolist() == [1.0, 3.0]
    assert found.audit["gap_days"].tolist() == [-10, 30]


def test_a_match_on_the_session_label_gives_people_other_peoples_scores():
    taken, seen = scans(("A", 100), ("B", 100)), visits(("A", 110, 29.0), ("B", 100, 12.0))
    by_label = taken.merge(seen.rename(columns={"subject": "whose"}), on="day", how="left")
    assert by_label["whose"].tolist() == ["B", "B"]  # A is given B's 12
    assert match(taken, seen, window_days=365).scans["score"].tolist() == [29.0, 12.0]


def test_beyond_the_window_nothing_matches():
    found = match(scans(("A", 0), ("A", 500)), visits(("A", 101, 1.0)), window_days=100)
    assert found.scans["score"].isna().all()
    assert found.audit["status"].tolist() == ["unmatched", "unmatched"]


def test_the_window_includes_its_edge():
    assert match(scans(("A", 0)), visits(("A", 100, 1.0)), window_days=100).scans["score"].tolist() == [1.0]


def test_of_equally_near_visits_the_earlier_wins_and_is_called_a_tie():
    found = match(scans(("A", 100)), visits(("A", 110, 2.0), ("A", 90, 1.0)), window_days=365)
    assert found.scans["score"].tolist() == [1.0]
    assert found.audit["status"].tolist() == ["tie"]


def test_a_visit_on_the_scans_day_is_no_tie():
    assert match(scans(("A", 9)), visits(("A", 9, 1.0)), window_days=0).audit["status"].tolist() == ["matched"]


def test_several_visits_of_a_day_count_once_and_are_reported():
    found = match(scans(("A", 1)), visits(("A", 5, 7.0), ("A", 5, 8.0), ("A", 5, 9.0)), window_days=9)
    assert found.scans["score"].tolist() == [7.0]
    assert found.audit["duplicates"].tolist() == [2]


def test_rows_keep_order_index_and_columns():
    taken = scans(("B", 50), ("A", 900), ("A", 10)).assign(path=["x", "y", "z"]).set_axis([7, 3, 5])
    seen = visits(("A", 905, 1.0), ("B", 49, 2.0), ("A", 11, 3.0)).astype({"day": int})
    found = match(taken, seen, window_days=30).scans
    assert found.index.tolist() == [7, 3, 5]
    assert found["score"].tolist() == [2.0, 1.0, 3.0]
    assert found["path"].tolist() == ["x", "y", "z"]


def test_no_visits_at_all_leave_every_scan_unmatched():
    found = match(scans(("A", 1)), visits(), window_days=9)
    assert found.audit["status"].tolist() == ["unmatched"]
    assert found.scans["score"].isna().all()


def test_vectorised_equals_one_by_one_and_a_whole_study_is_instant():
    draw = np.random.default_rng(0)
    taken = scans(
        *((f"S{i}", float(d)) for i, d in zip(draw.integers(0, 900, 4100), draw.integers(0, 4000, 4100), strict=True))
    )
    days = draw.integers(0, 4000, 8000)
    seen = visits(
        *((f"S{i}", float(d), float(k)) for k, (i, d) in enumerate(zip(draw.integers(0, 900, 8000), days, strict=True)))
    )
    started = time.process_time()
    found = match(taken, seen, window_days=200).scans["score"]
    assert time.process_time() - started < 1
    for row in range(0, 4100, 100):
        own = seen[seen["subject"] == taken.loc[row, "subject"]].sort_values("day", kind="stable")
        gap = (own["day"] - taken.loc[row, "day"]).abs()
        expected = own.loc[gap.idxmin(), "score"] if len(own) and gap.min() <= 200 else np.nan
        np.testing.assert_equal(found[row], expected)


def test_the_summary_counts_and_measures():
    audit = match(
        scans(("A", 0), ("A", 40), ("B", 0), ("C", 0)),
        visits(("A", 10, 1.0), ("B", -5, 1.0), ("B", 5, 1.0), ("B", -5, 1.0)),
        window_days=365,
    ).audit
    counts = summary(audit)
    assert [counts[name] for name in ("scans", "matched", "ties", "unmatched", "duplicates")] == [4, 3, 1, 1, 1]
    assert (counts["gap_days_median"], counts["gap_days_max"]) == (10, 30)


def test_the_summary_of_nothing_is_zero():
    assert summary(no_visits())["scans"] == 0


def test_visits_as_near_in_decimals_are_a_tie_whatever_their_last_bit():
    days = [age * 365.25 for age in (60.0, 60.1, 60.2)]
    assert days[2] - days[1] < days[1] - days[0]
    found = match(scans(("A", days[1])), visits(("A", days[0], 1.0), ("A", days[2], 2.0)), window_days=365)
    assert found.audit["status"].tolist() == ["tie"]
    assert found.scans["score"].tolist() == [1.0]


def test_the_window_includes_its_edge_in_decimals():
    near = [(start / 10, start / 10 + 0.3) for start in range(1, 400)]
    assert any(later - earlier > 0.3 for earlier, later in near)
    for earlier, later in near:
        found = match(scans(("A", earlier)), visits(("A", later, 1.0)), window_days=0.3)
        assert found.audit["status"].tolist() == ["matched"]
