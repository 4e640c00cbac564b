"""A trained encoder on its own cohort and on another one: evaluate cohort=..., embed."""

import json

import numpy as np
import pandas as pd
import pytest

from clinimcl.pseudonyms import keyed
from clinimcl.runs.scan_embedding import embed_scan

TINY = [
    "review_scans=0",
    "experiment=demo",
    "preparation.grid=16",
    "encoder.channels=[8]",
    "epochs=0",
    "engine.workers=1",
    "pretrain.batch=4",
    "pretrain.pairs_per_epoch=4",
    "cohort.split.validation=0.2",
    "cohort.split.test=0.3",
]


def refused(result):
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.fixture(scope="module")
def folder(clinimcl, phantom, tmp_path_factory):
    """A run, and `other`, a cohort of people with other ids."""
    folder = tmp_path_factory.mktemp("embedded")
    arguments = [f"cohort.root={phantom}", "cohort.score=MMSE", "run=run", "store=store"]
    trained = clinimcl("train", *TINY, *arguments, cwd=folder)
    assert trained.returncode == 0, trained.stderr
    scans = pd.read_parquet(folder / "store" / "scans.parquet")[["subject", "day", "path", "score", "age", "sex"]]
    (folder / "other").mkdir()
    scans.assign(subject="new " + scans["subject"]).to_csv(folder / "other" / "scans.csv", index=False)
    return folder


OTHER = ["cohort=table", "cohort.root=other", "cohort.score=score", "cohort.higher_is=better", "store=others"]


def test_another_cohort_is_probed_and_measured_beside_the_run(clinimcl, folder):
    before = (folder / "run" / "evaluation.json").read_text()
    result = clinimcl("evaluate", "run=run", *OTHER, "cohort.split.test=0.4", cwd=folder)
    assert result.returncode == 0, result.stderr
    found = folder / "run" / "on_table"
    metrics = json.loads((found / "evaluation.json").read_text())
    assert {"retrieval_top1", "probe_age_mae", "untrained_probe_age_mae", "probe_score_spearman"} <= set(metrics)
    assert len(pd.read_csv(found / "probes.csv")) > 0
    assert "<h2>Probes</h2>" in (found / "report.html").read_text()
    assert (folder / "run" / "evaluation.json").read_text() == before


def test_scanners_of_another_cohort_are_measured_without_probes_too(clinimcl, folder):
    result = clinimcl("evaluate", "run=run", *OTHER, "cohort.split.test=0.4", "probes=false", cwd=folder)
    assert result.returncode == 0, result.stderr
    found = folder / "run" / "on_table"
    metrics = json.loads((found / "evaluation.json").read_text())
    assert "scanner_share_subject" in metrics and "probe_age_mae" not in metrics
    assert not (found / "probes.csv").exists()


def test_embeddings_are_a_row_a_scan_under_pseudonyms(clinimcl, folder):
    result = clinimcl("embed", "run=run", "out=made/embedded.parquet", cwd=folder)
    assert result.returncode == 0, result.stderr
    table, scans = (
        pd.read_parquet(folder / "made" / "embedded.parquet"),
        pd.read_parquet(folder / "store/scans.parquet"),
    )
    key = (folder / "run" / "pseudonym.key").read_bytes().strip()
    assert set(table["pseudonym"]) == set(keyed(scans["subject"], key).values())
    assert list(table.columns[:7]) == ["pseudonym", "session", "day", "zone", "run", "split", "embedding_0"]
    assert len(table) == len(scans) and set(table.filter(like="embedding_").dtypes) == {np.dtype("float32")}
    assert b"OAS3" not in (folder / "made" / "embedded.parquet").read_bytes()


def test_a_vector_a_scan_is_what_the_table_has_and_sits_the_exam(clinimcl, folder):
    for out in (["out=made/table.parquet"], ["out=made/vectors", "format=fomo", "columns=[sex]"]):
        assert clinimcl("embed", "run=run", *out, cwd=folder).returncode == 0
    table, index = pd.read_parquet(folder / "made/table.parquet"), pd.read_csv(folder / "made/vectors/index.csv")
    vectors = np.stack([np.load(folder / "made" / "vectors" / name) for name in index["file"]])
    np.testing.assert_array_equal(vectors, table.filter(like="embedding_"))
    assert "OAS3" not in (folder / "made/vectors/index.csv").read_text()
    asked = ["embeddings=made/vectors", "column=sex", "least=5", "splits=2", "out=made/exam"]
    result = clinimcl("exam", *asked, cwd=folder)
    assert result.returncode == 0, result.stderr


def test_one_scan_by_the_run_is_its_row_of_the_table(clinimcl, folder):
    assert clinimcl("embed", "run=run", "out=made/rows.parquet", cwd=folder).returncode == 0
    table = pd.read_parquet(folder / "made" / "rows.parquet")
    scans = pd.read_parquet(folder / "store" / "scans.parquet")
    key = (folder / "run" / "pseudonym.key").read_bytes().strip()
    name = keyed(scans["subject"], key)[scans["subject"].iloc[0]]
    rows = table[table["pseudonym"] == name].filter(like="embedding_").to_numpy()
    vector = embed_scan(folder / "run", scans["path"].iloc[0]).vector
    assert np.abs(rows - vector).max(axis=1).min() < 1e-5 < np.abs(rows - vector).max()


def test_the_untrained_encoder_is_that_of_a_run_without_epochs(clinimcl, folder):
    for name in ("false", "true"):
        result = clinimcl("embed", "run=run", f"out=made/{name}.parquet", f"untrained={name}", cwd=folder)
        assert result.returncode == 0, result.stderr
    one, other = (pd.read_parquet(folder / "made" / f"{name}.parquet") for name in ("false", "true"))
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["embed", "run=run", "out=x.parquet", "format=npy"], "format must be parquet"),
        (["embed", "run=run", "out=x.parquet", "columns=[path]"], "columns=path is not among those"),
        (["embed", "run=run", "out=store", "format=fomo"], "must be a new folder"),
        (["embed", "run=nowhere", "out=x.parquet"], "must be a run folder"),
        (["embed", "run=run", "out=x.csv"], "out must be a local file that ends with .parquet"),
        (["embed", "run=run"], "out must be given"),
        (["evaluate", "run=run", "cohort=bids"], "cohort.root must be given"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(clinimcl, folder, arguments, part):
    assert part in refused(clinimcl(*arguments, cwd=folder))
    assert not list(folder.glob("x.*"))
