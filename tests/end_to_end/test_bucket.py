"""A cohort in a bucket, through a real server."""

import json

import pandas as pd
import pytest

from benchmarks.bucket_proxy import emulated
from clinimcl.storage.tree import connect


@pytest.fixture
def server(phantom, monkeypatch):
    with emulated() as (_, address):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        bucket = connect("gs://bucket")[0]
        files = [path for path in sorted(phantom.rglob("*")) if path.is_file() and "OAS3000" in str(path)]
        for path in [*files, *phantom.glob("*.csv")]:
            bucket.pipe_file(f"bucket/OASIS3/{path.relative_to(phantom)}", path.read_bytes())
        yield address


def test_scans_of_a_bucket_are_prepared_like_those_of_a_disk(server, clinimcl, phantom, tmp_path):
    tiny = ["cohort=oasis3", "preparation.grid=8", "engine.workers=1", "cohort.sidecars=false"]
    remote = [*tiny, "cohort.root=gs://bucket/OASIS3", "store=remote"]
    first = clinimcl("prepare", *remote, cwd=tmp_path, STORAGE_EMULATOR_HOST=server)
    assert first.returncode == 0, first.stderr
    local = clinimcl("prepare", *tiny, f"cohort.root={phantom}", "store=local", cwd=tmp_path)
    assert local.returncode == 0, local.stderr
    there = {path.name: path.read_bytes() for path in (tmp_path / "remote" / "arrays").iterdir()}
    here = {path.name: path.read_bytes() for path in (tmp_path / "local" / "arrays").iterdir()}
    assert there
    assert there.items() <= here.items()
    again = clinimcl("prepare", *remote, cwd=tmp_path, STORAGE_EMULATOR_HOST=server)
    assert " 0 prepared" in again.stdout


@pytest.mark.parametrize("environment", [{"STORAGE_EMULATOR_HOST": "http://127.0.0.1:9"}])
def test_an_unreachable_bucket_is_told_in_a_sentence(clinimcl, tmp_path, environment):
    result = clinimcl("prepare", "cohort=oasis3", "cohort.root=gs://bucket/x", cwd=tmp_path, **environment)
    assert result.returncode == 2
    assert "gs://bucket/x" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


TINY = [
    "review_scans=0",
    *("experiment=demo", "engine.workers=1", "cohort.sidecars=false", "cohort.root=gs://bucket/OASIS3"),
    *(
        "preparation.grid=16",
        "encoder.channels=[8,8]",
        "pretrain.batch=2",
        "pretrain.pairs_per_epoch=4",
        "keep_every=9",
    ),
    *("cohort.split.validation=0.25", "cohort.split.test=0.25", "schedule=constant", "keep_every=9"),
    *("store=gs://bucket/store", "cache=cache", "mirror=gs://bucket/runs", "run=runs/one", "ckpt_path=last"),
]


def test_a_run_goes_on_from_the_bucket_whichever_machine_was_last(server, clinimcl, tmp_path):
    def trained(machine, epochs):
        (tmp_path / machine).mkdir(exist_ok=True)
        result = clinimcl("train", *TINY, f"epochs={epochs}", cwd=tmp_path / machine, STORAGE_EMULATOR_HOST=server)
        assert result.returncode == 0, result.stderr
        return result.stdout, tmp_path / machine / "runs" / "one"

    said, first = trained("one", 2)
    assert " 0 prepared" not in said
    bucket = connect("gs://bucket")[0]
    bucket.invalidate_cache()
    there = {name.rsplit("/", 1)[-1] for name in bucket.find("bucket/runs/demo/one")}
    assert {"last.ckpt", "last.ckpt.contract.json", "best.ckpt", "splits.json"} <= there
    (first / "status.json").write_text('{"status": "interrupted"}')
    said, second = trained("two", 3)
    assert " 0 prepared" in said
    assert sorted(pd.read_csv(second / "metrics.csv")["epoch"].dropna().unique()) == [2]
    assert json.loads((second / "status.json").read_text()) == {"status": "done"}
    assert not list((tmp_path / "two").rglob("*.npy"))  # the arrays lie in the cache, under names that tell nothing
    trained("one", 4)
    assert sorted(pd.read_csv(first / "metrics.csv")["epoch"].dropna().unique()) == [3]


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("mirror=gs://nowhere/runs", "checkpoints cannot be mirrored to gs://nowhere/runs/demo/one"),
        ("mirror=folder", "mirror must be the URL of a folder, such as gs://bucket/runs, got folder"),
        ("cache=gs://bucket/cache", "cache must be a local folder, got gs://bucket/cache"),
        ("cache_gib=0", "cache_gib must be positive, got 0"),
        ("ckpt_path=gs://bucket/none/last.ckpt", "no checkpoint at gs://bucket/none/last.ckpt"),
        ("cache=/dev/null/cache", "cache=/dev/null/cache"),
    ],
)
def test_what_is_wrong_with_the_bucket_s_settings_is_told(server, clinimcl, tmp_path, argument, sentence):
    result = clinimcl("train", *TINY, "epochs=1", argument, cwd=tmp_path, STORAGE_EMULATOR_HOST=server)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
