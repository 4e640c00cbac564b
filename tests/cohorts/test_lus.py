from pathlib import Path

import numpy as np
import pytest

from clinimcl.cohorts.lus import InspiredOxygen, Lus
from clinimcl.cohorts.splits import Splitting
from clinimcl.errors import UserError

SPLIT = Splitting(by="subject", stratify=[], validation=0.1, test=0.2, seed=0)


def cohort(folder: Path, text: str, **changes: object) -> Lus:
    (folder / "scans.csv").write_text(text)
    fields = {"root": str(folder), "score": "SF", "higher_is": None, "mask": None, "spacing": None, "fold": None}
    fields |= {"split": SPLIT, "modality": "lus", "fio2": InspiredOxygen(0.21, 0.03)}
    return Lus(**(fields | changes))  # type: ignore[arg-type]


def scores(folder: Path, header: str, *rows: str) -> list[float]:
    text = "\n".join([f"subject,day,path,{header}", *(f"s{n},0,{n}.mp4,{row}" for n, row in enumerate(rows))])
    return cohort(folder, text).table().scans["score"].tolist()


def test_the_ratio_is_read_where_the_table_has_it(tmp_path):
    scans = cohort(tmp_path, "subject,day,path,zone,sf,spo2\nA,0,a.mp4,L1,310,99\n").table().scans
    assert scans.loc[0, ["score", "score_name", "higher_is", "zone", "modality"]].tolist() == [
        310,
        "sf",
        "better",
        "L1",
        "lus",
    ]


def test_saturation_over_fraction_is_the_ratio(tmp_path):
    assert np.allclose(scores(tmp_path, "SpO2,FiO2", "96,0.4", "100,0.21"), [240, 476.19])


def test_litres_stand_in_where_the_fraction_is_missing(tmp_path):
    assert np.allclose(scores(tmp_path, "spo2,fio2,litres", "95,0.5,2", "95,,2", "90,n/a,0"), [190, 351.85, 428.57])


def test_no_mixture_holds_more_than_oxygen_alone(tmp_path):
    assert scores(tmp_path, "spo2,litres", "90,60") == [90]


def test_a_row_without_its_numbers_has_no_score(tmp_path):
    assert np.isnan(scores(tmp_path, "spo2,litres", "95,2", ",2", "95,")[1:]).all()


@pytest.mark.parametrize(
    ("header", "row", "sentence"),
    [
        ("spo2,litres", "0.95,2", "scans.csv row 2: spo2 must be percent from 20 to 100, got 0.95"),
        ("spo2,fio2", "95,40", "scans.csv row 2: fio2 must be a fraction from 0.2 to 1, got 40"),
        ("spo2,litres", "95,-2", "scans.csv row 2: litres must be litres a minute from 0 to 100, got -2"),
        ("spo2", "95", "neither a column SF nor spo2 with fio2 or litres; there are subject, day, path, spo2"),
    ],
)
def test_numbers_in_another_unit_are_refused(tmp_path, header, row, sentence):
    with pytest.raises(UserError, match=sentence):
        scores(tmp_path, header, row)


def test_any_other_column_may_be_the_score(tmp_path):
    text = "subject,day,path,severity\nA,0,a.mp4,2\n"
    scans = cohort(tmp_path, text, score="severity", higher_is="worse").table().scans
    assert scans.loc[0, ["score", "score_name", "higher_is"]].tolist() == [2, "severity", "worse"]


def test_a_missing_table_says_what_it_would_hold(tmp_path):
    with pytest.raises(UserError, match=r"spo2 with fio2 or litres.*phantom layout=lung"):
        cohort(tmp_path, "", root=str(tmp_path / "nowhere")).table()
