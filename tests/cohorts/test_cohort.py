from dataclasses import dataclass

import pandas as pd
import pytest

from clinimcl.cohorts.cohort import Cohort, Reading
from clinimcl.cohorts.splits import Splitting
from clinimcl.cohorts.visits import no_visits
from clinimcl.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Pair(Cohort):
    """Two sessions of one subject, the later one first."""

    obtain = ""

    def read(self) -> Reading:
        rows = {"subject": "A", "session": ["b", "a"], "day": [40.5, 30.0], "path": ["/x/b.nii.gz", "gs://y/a.nii"]}
        return Reading(pd.DataFrame(rows | {"score": [None, None], "part": ["test", "train"]}), no_visits())


def cohort(**changes: object) -> Pair:
    split = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)
    fields = {
        "root": "/x",
        "score": None,
        "higher_is": None,
        "mask": None,
        "spacing": None,
        "fold": None,
        "split": split,
    }
    return Pair(**(fields | changes))  # type: ignore[arg-type]


def test_days_count_from_the_first_session_whatever_its_row():
    assert cohort().table().scans[["session", "day"]].to_numpy().tolist() == [["a", 0], ["b", 10.5]]


def test_a_mask_is_found_from_its_scan():
    masks = cohort(mask="../masks/{stem}_mask.nii.gz").table().scans["mask"]
    assert masks.tolist() == ["gs://y/../masks/a_mask.nii.gz", "/masks/b_mask.nii.gz"]


def test_a_mask_may_be_found_from_the_root():
    masks = cohort(mask="{root}/masks/{subject}_{session}.nii").table().scans["mask"]
    assert masks.tolist() == ["/x/masks/A_a.nii", "/x/masks/A_b.nii"]


def test_an_unknown_word_in_the_mask_is_refused():
    with pytest.raises(UserError, match=r"cohort.mask=\{name\}.nii may hold"):
        cohort(mask="{name}.nii").table()


def test_a_score_that_no_scan_has_stops_the_run():
    with pytest.raises(UserError, match=r"cohort.score=MMSE: none of the 2 scans has a value"):
        cohort(score="MMSE").table()


def test_a_subject_that_a_column_puts_on_both_sides_stops_the_run():
    split = Splitting(by="part", stratify=[], validation=0.1, test=0.2, seed=0)
    with pytest.raises(UserError, match=r"1 subject is in both train and test"):
        cohort(split=split).table()


@pytest.mark.parametrize("spacing", [[1, 1], [1, 1, 0]])
def test_spacing_is_three_positive_millimetres(spacing):
    with pytest.raises(UserError, match=r"cohort.spacing must be three positive millimetres"):
        cohort(spacing=spacing)


@pytest.mark.parametrize("code", ["LAS", "PSR"])
def test_an_orientation_is_a_code_of_three_axes(code):
    assert cohort(orientation=code).orientation == code
    with pytest.raises(UserError, match=r"cohort.orientation must be three letters.*got LLS"):
        cohort(orientation="LLS")


def test_how_tables_were_read_is_printed_and_kept(capsys):
    @dataclass(frozen=True, kw_only=True)
    class Noted(Pair):
        def read(self) -> Reading:
            return super().read()._replace(remarks=("2 ages are words: they count as missing",))

    reading = Noted(**vars(cohort())).table()
    assert reading.remarks == ("2 ages are words: they count as missing",)
    assert "2 ages are words" in capsys.readouterr().err
