import numpy as np
import pytest

from clinimcl.errors import UserError
from clinimcl.inference.card import Limits
from clinimcl.inference.flags import assumptions, cut_sides, flags, reversed_days
from clinimcl.inference.input_scans import Given
from clinimcl.preparation.formats.reading import Scan

LIMITS = Limits(appearance=1.0, embedding=1.0, likeness=0.4)


def ball(shift=(0, 0, 0)):
    grid = np.stack(np.mgrid[:30, :30, :30]) - 14.5
    return np.where(np.linalg.norm(grid - np.reshape(shift, (3, 1, 1, 1)), axis=0) < 11, 900, 3).astype(np.int16)


def scans(voxels):
    return [Scan(ball(), (1.0, 1.0, 1.0)), Scan(voxels, (1.0, 1.0, 1.0))]


def test_two_whole_heads_of_one_person_have_no_flag():
    assert flags(LIMITS, 0.9, scans(ball()), ("2020-01-01", "2021-01-01")) == []


def test_unlike_scans_may_be_two_people():
    (flag,) = flags(LIMITS, 0.1, [], (None, None))
    assert flag.startswith("these may be two people: the scans are less alike than")


@pytest.mark.parametrize(
    ("shift", "side"),
    [((-9, 0, 0), "left"), ((9, 0, 0), "right"), ((0, -9, 0), "back"), ((0, 9, 0), "front"), ((0, 0, 9), "top")],
)
def test_a_head_at_the_border_is_cut(shift, side):
    assert cut_sides(ball(shift)) == [side]


def test_the_neck_may_leave_the_scan():
    assert cut_sides(ball((0, 0, -9))) == []


def test_the_flag_names_the_scan_that_is_cut():
    (flag,) = flags(LIMITS, None, scans(ball((0, 0, 9))), (None, None))
    assert flag == "the field of view of the later scan cuts the head at its top"


def test_reversed_dates_are_flagged_and_not_repeated():
    (flag,) = flags(LIMITS, None, [], ("2021-01-01", "2020-01-01"))
    assert "reversed" in flag and "202" not in flag


def test_one_date_alone_tells_nothing():
    assert not reversed_days("2021-01-01", None)


def test_what_is_no_date_is_told():
    for later in ("2020-01-01", None):
        with pytest.raises(UserError, match="earlier_date must be a date such as 2024-03-31"):
            reversed_days("yesterday", later)


def test_what_was_assumed_of_a_scan_is_said():
    voxels = np.zeros((4, 4, 4))
    one, other = (Scan(voxels, (1.0, 1.0, 1.0), remark) for remark in ("its affine is an array's", ""))
    pair = [Given(role, scan, voxels, "") for role, scan in (("earlier", other), ("later", one))]
    assert assumptions(*pair) == ["of the later scan: its affine is an array's"]
