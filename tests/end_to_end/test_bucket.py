"""A cohort in a bucket, through a real server."""

import pytest
from gcp_storage_emulator.server import create_server

from clinimcl.cohorts.tree import connect


@pytest.fixture
def server(phantom, monkeypatch):
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    server.start()
    host, port = server._api._httpd.server_address
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{host}:{port}")
    bucket = connect("gs://bucket")[0]
    files = [path for path in sorted(phantom.rglob("*")) if path.is_file() and "OAS3000" in str(path)]
    for path in [*files, *phantom.glob("*.csv")]:
        bucket.pipe_file(f"bucket/OASIS3/{path.relative_to(phantom)}", path.read_bytes())
    yield f"http://{host}:{port}"
    server.stop()


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
