import os
import signal

import pytest
from distributed import Client, LocalCluster

from clinimcl.errors import UserError
from clinimcl.preparation.engines import engine as engines
from clinimcl.preparation.engines.engine import Dask, Local
from clinimcl.preparation.fetching import fetch
from clinimcl.storage.tree import connect


@pytest.mark.parametrize(
    "engine", [Local(1), Local(2), Dask(None, 1)], ids=["one process", "two processes", "dask cluster"]
)
def test_many_scans_are_on_their_way_at_once(link, engine):
    urls = [f"gs://bucket/{index}" for index in range(40)]
    for index, url in enumerate(urls):
        connect(url)[0].pipe_file(url, b"%d" % index)
    link.link.latency, link.most_at_once = 0.1, 0
    assert dict(engine.run(fetch, urls)) == {index: b"%d" % index for index in range(40)}
    assert link.most_at_once > 8


@pytest.mark.parametrize("engine", [Local(1), Local(2)], ids=["one process", "two processes"])
def test_an_error_reaches_who_asked(engine):
    with pytest.raises(ValueError, match="no number"):
        list(engine.run(int, ["1", "2", "no number", *"3456789"]))


def test_no_item_is_no_work():
    assert list(Local(2).run(int, [])) == []


def test_a_process_that_was_killed_is_told_in_a_sentence():
    with pytest.raises(UserError, match=r"ended from outside \(exit code 9\).*fewer engine.workers"):
        list(Local(2).run(os._exit, [9, 9]))


def test_a_result_that_cannot_be_sent_is_an_error():
    with pytest.raises(RuntimeError, match="cannot pickle"):
        list(Local(2).run(memoryview, [b"one", b"two"]))


def killed_once(mark):
    """Ends the process that has it the first time."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return mark.name


def test_a_killed_dask_worker_loses_nothing(tmp_path):
    marks = [tmp_path / str(number) for number in range(6)]
    for mark in marks[:2] + marks[3:]:
        mark.touch()
    assert dict(Dask(None, 2).run(killed_once, marks)) == {number: str(number) for number in range(6)}


def test_an_item_that_ends_every_dask_worker_is_told_in_a_sentence():
    with pytest.raises(UserError, match="ended one Dask worker after another"):
        list(Dask(None, 1).run(os._exit, [9]))


def test_a_local_cluster_that_lost_its_workers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(engines, "LOST", 0.0)
    monkeypatch.setattr(engines, "QUIET", 0.1)
    with (
        LocalCluster(n_workers=0, dashboard_address=":0") as cluster,
        Client(cluster) as client,
        pytest.raises(UserError, match="no Dask worker is left"),
    ):
        list(engines.on_cluster(client, str, [1], engines.WorkerPresence(client)))
