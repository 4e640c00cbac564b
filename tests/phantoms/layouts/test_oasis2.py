from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from clinimcl.cohorts.oasis2 import Oasis2
from clinimcl.cohorts.splits import Splitting
from clinimcl.phantoms import truth
from clinimcl.phantoms.brain.brain import render
from clinimcl.phantoms.brain.cohort import sample_member
from clinimcl.phantoms.brain.parameters import BRAIN
from clinimcl.phantoms.writing import write_cohort

PARAMETERS = replace(BRAIN, spacing=16.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantoms") / "oasis2"
    write_cohort(out, "oasis2", 5, 1, PARAMETERS, workers=1)
    return out


@pytest.fixture(scope="module")
def table(root):
    return pd.read_csv(root / "oasis_longitudinal.csv")


def test_every_header_has_its_image(root):
    headers = {path.with_suffix("") for path in root.rglob("*.hdr")}
    assert headers == {path.with_suffix("") for path in root.rglob("*.img")}
    assert set(pd.read_csv(root / "phantom_truth.csv")["path"]) == {
        path.relative_to(root).as_posix() for path in root.rglob("*.hdr")
    }


def test_a_pair_is_stored_sagittal_and_holds_the_rendered_head(root):
    member = sample_member(1, 0, PARAMETERS)
    (header, *_) = sorted(root.glob("*/OAS2_0001_MR1/RAW/mpr-1.nifti.hdr"))
    pair = nib.load(header)
    assert isinstance(pair, nib.Nifti1Pair)
    assert nib.aff2axcodes(pair.affine) == ("P", "I", "R")
    head = nib.as_closest_canonical(pair)
    rendered = render(member.subject, member.sessions[0][0], PARAMETERS)
    assert np.array_equal(np.asarray(head.dataobj), rendered)


def test_sessions_of_one_person_lie_in_both_archives(root):
    parts = pd.DataFrame(
        [(path.parts[-3][:9], path.parts[-4]) for path in root.rglob("*.hdr")], columns=["subject", "part"]
    )
    assert parts.groupby("subject")["part"].nunique().max() == 2


def test_the_number_behind_mr_is_no_visit_s(table):
    number = table["MRI ID"].str.extract(r"_MR(\d+)$", expand=False).astype(int)
    assert (number >= table["Visit"]).all()
    assert (number > table["Visit"]).any()
    assert (table.groupby("Subject ID")["MR Delay"].min() == 0).all()


def test_the_brain_shrinks_within_a_person_and_asf_follows_the_head(table):
    several = table.groupby("Subject ID").filter(lambda rows: len(rows) > 2).groupby("Subject ID")["nWBV"]
    assert (several.last() - several.first()).mean() < -0.01
    assert np.allclose(table["ASF"] * table["eTIV"], 1755, rtol=2e-3)


def test_the_cohort_reads_its_phantom_whole(root, table):
    split = Splitting(by="subject", stratify=[], validation=0.2, test=0.2, seed=0)
    unset = dict.fromkeys(["higher_is", "mask", "spacing", "fold", "clinical"])
    reading = Oasis2(root=str(root), split=split, score="CDR", **unset).table()
    assert reading.remarks == ()
    assert set(reading.scans["session"]) == set(table["MRI ID"])
    known = truth.scores(truth.read(str(root)), reading.scans["path"].tolist(), "CDR")
    assert np.isfinite(known).all()
    assert (np.abs(known - reading.scans["score"]) <= 1).all()


def test_a_pair_is_moved_back_by_the_true_pose(root):
    from clinimcl.preparation.pipeline import FieldOfView

    pipeline = FieldOfView(grid=16, dtype="float16", field_of_view=224.0, percentile=99.5, align="none", spacing=None)
    path = sorted(root.rglob("*.hdr"))[0]
    assert truth.realigned(truth.read(str(root)), str(path), pipeline).max() == pytest.approx(1, abs=0.3)
