"""The real scans of CLINIMCL_REAL_DATA, through the same commands."""

import json

import numpy as np
import pandas as pd
import pytest

from clinimcl.preparation.store.store import Store


def prepared(clinimcl, folder, root, *arguments):
    result = clinimcl(
        "prepare", "cohort=bids", f"cohort.root={root}", "store=store", "preparation.grid=48", *arguments, cwd=folder
    )
    assert result.returncode == 0, result.stderr
    store = Store(folder / "store")
    table = store.table()
    cubes = [store.get(key, checksum) for key, checksum in zip(table["key"], table["checksum"], strict=True)]
    tally = next(line for line in result.stdout.splitlines() if " set aside" in line)
    return tally, np.stack(cubes).astype(np.float32), table


@pytest.fixture(scope="module")
def ixi(clinimcl, real_data, tmp_path_factory):
    return prepared(
        clinimcl, tmp_path_factory.mktemp("ixi"), real_data / "ixi_bids", "cohort.score=age", "cohort.higher_is=worse"
    )


def test_all_ixi_scans_are_prepared(ixi):
    assert ixi[0] == "23 scans: 23 prepared, 0 already there, 0 set aside"


def test_ixi_heads_are_longer_than_wide(ixi):
    heads = (ixi[1] > 0.2)[:, :, :, 24:32]  # above the ears
    width = heads.any(axis=(2, 3)).sum(axis=1)
    length = heads.any(axis=(1, 3)).sum(axis=1)
    assert (length > width).all()


def test_ixi_heads_stand_upright(ixi):
    heads = ixi[1] > 0.2
    assert (heads[:, :, :, -6:].sum(axis=(1, 2, 3)) < heads[:, :, :, :6].sum(axis=(1, 2, 3))).all()  # crown and neck


def test_ixi_heads_are_symmetric_left_to_right_alone(ixi):
    cubes = ixi[1]
    sides = np.array([np.corrcoef(cube.ravel(), cube[::-1].ravel())[0, 1] for cube in cubes])
    ends = np.array([np.corrcoef(cube.ravel(), cube[:, :, ::-1].ravel())[0, 1] for cube in cubes])
    assert (sides > ends + 0.1).all()


def test_ixi_crowns_lie_inside_of_the_field_of_view(ixi):
    assert ixi[1][:, :, :, -2:].max() < 0.35


def test_ages_of_ixi_are_read_as_the_score(ixi):
    assert ixi[2]["score"].between(20, 75).all()


def test_the_flat_heads_of_btp_are_set_aside_and_mended_by_their_spacing(clinimcl, real_data, tmp_path):
    root = real_data / "btp_bids"
    for name in ("as_told", "mended"):
        (tmp_path / name).mkdir()
    told = clinimcl("prepare", "cohort=bids", f"cohort.root={root}", "store=store", cwd=tmp_path / "as_told")
    assert told.returncode == 2 and "6 × has too small a field of view for a head" in told.stderr
    tally, whole, table = prepared(clinimcl, tmp_path / "mended", root, "cohort.spacing=[1,1,6.5]")
    assert tally == "6 scans: 6 prepared, 0 already there, 0 set aside"
    assert ((whole > 0.1).any(axis=(1, 2)).sum(axis=1) > 25).all()
    assert table.groupby("subject")["session"].nunique().eq(2).all()


def test_infonce_trains_on_btp_and_says_why_metrics_are_absent(clinimcl, real_data, tmp_path):
    arguments = ["experiment=demo", "cohort=bids", f"cohort.root={real_data / 'btp_bids'}", "cohort.spacing=[1,1,6.5]"]
    arguments += ["cohort.score=tumor_voxels", "cohort.higher_is=worse", "cohort.split.validation=0.34"]
    arguments += ["cohort.split.test=0", "epochs=2", "keep_every=1", "pretrain.batch=2", "pretrain.pairs_per_epoch=2"]
    result = clinimcl("train", *arguments, "preparation.grid=32", "run=run", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    splits = pd.read_parquet(next((tmp_path / "runs" / "stores").iterdir()) / "scans.parquet")
    assert splits.groupby("split")["subject"].nunique().to_dict() == {"train": 2, "validation": 1}
    absent = json.loads((tmp_path / "run" / "absent.json").read_text())
    assert "no test subjects" in absent["retrieval_top1"]
    assert absent["retrieval_top1"] in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize(
    ("experiment", "root", "sizes", "kind"),
    [
        (
            "blues_learner",
            "covid_blues",
            ["preparation.side=32", "preparation.frames=2", "encoder=vit", "encoder.layers=1"],
            "two zones of one person",
        ),
        (
            "bids_learner",
            "ixi_bids",
            ["preparation.grid=16", "cohort.score=age", "cohort.higher_is=worse"],
            "two different people",
        ),
    ],
)
def test_learner_trains_on_real_scans_and_says_what_it_was_tested_on(
    clinimcl, real_data, tmp_path, experiment, root, sizes, kind
):
    arguments = [f"cohort.root={real_data / root}", "run=run", "store=store", "epochs=2", "pretrain.batch=4", *sizes]
    split = ["cohort.split.validation=0.25", "cohort.split.test=0.25", "cohort.split.seed=1"]
    change = ["change.epochs=3", "change.permutation_test=false"]
    result = clinimcl("train", f"experiment={experiment}", *arguments, *split, *change, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert kind in (tmp_path / "run" / "notes.txt").read_text()
    assert json.loads((tmp_path / "run" / "evaluation.json").read_text())["accuracy"]["n_items"] > 3
