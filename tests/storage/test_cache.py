import multiprocessing
import os
import re
import resource
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from clinimcl.errors import UserError
from clinimcl.storage import bucket
from clinimcl.storage.cache import Cache
from clinimcl.storage.tree import connect

URLS = [f"gs://bucket/sub-{index}/scan.nii.gz" for index in range(5)]
CONTENTS = [b"%d" % index * 400 for index in range(5)]
ROOMY = 10**6


@pytest.fixture
def filled(link):
    for url, content in zip(URLS, CONTENTS, strict=True):
        connect(url)[0].pipe_file(url, content)
    link.counts.clear()
    return link


def requests(link):
    return link.counts["objects"]


def entries(folder):
    return [path for path in (folder / "entries").rglob("*") if path.is_file()]


@contextmanager
def full(size):
    """A disk on which no file can be larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def read(cache, urls, fingerprint="f"):
    return cache.read(urls, fingerprint)


def read_paths(cache, urls, fingerprint="f"):
    return [path.read_bytes() for path in cache.paths_of([(url, fingerprint) for url in urls])]


FORKED = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # this is what loaders do
WAYS = pytest.mark.parametrize("way", [read, read_paths])


@WAYS
def test_what_was_read_once_is_asked_for_no_more(filled, tmp_path, way):
    assert way(Cache(tmp_path, ROOMY), URLS) == CONTENTS
    assert requests(filled) == 5
    assert way(Cache(tmp_path, ROOMY), URLS) == CONTENTS
    assert requests(filled) == 5


@WAYS
def test_an_object_may_be_asked_for_twice_at_once(filled, tmp_path, way):
    assert way(Cache(tmp_path, ROOMY), [URLS[0], URLS[0]]) == [CONTENTS[0]] * 2
    assert requests(filled) == 1


@WAYS
def test_another_fingerprint_is_another_object(filled, tmp_path, way):
    cache = Cache(tmp_path, ROOMY)
    way(cache, URLS[:1])
    connect(URLS[0])[0].pipe_file(URLS[0], b"changed")
    assert way(cache, URLS[:1]) == CONTENTS[:1]
    assert way(cache, URLS[:1], "changed") == [b"changed"]


@WAYS
def test_file_names_tell_nothing(filled, tmp_path, way):
    way(Cache(tmp_path, ROOMY), URLS)
    names = [str(path.relative_to(tmp_path / "entries")) for path in entries(tmp_path)]
    assert len(names) == 5
    assert all(re.fullmatch(r"[0-9a-f]{3}/[0-9a-f]{32}-[0-9a-f]{16}", name) for name in names)


@WAYS
def test_others_may_not_look_into_it(filled, tmp_path, way):
    way(Cache(tmp_path / "cache", ROOMY), URLS[:1])
    assert (tmp_path / "cache" / "entries").stat().st_mode & 0o077 == 0


@WAYS
def test_what_was_used_longest_ago_goes_first(filled, tmp_path, way):
    cache = Cache(tmp_path, 1100)
    for index in (0, 1, 0, 2):
        way(cache, [URLS[index]])
    filled.counts.clear()
    way(cache, [URLS[0]])
    way(cache, [URLS[2]])
    assert requests(filled) == 0
    way(cache, [URLS[1]])
    assert requests(filled) == 1


@WAYS
def test_damage_is_seen_and_mended(filled, tmp_path, way):
    way(Cache(tmp_path, ROOMY), URLS[:1])
    entries(tmp_path)[0].write_bytes(b"damaged")
    assert way(Cache(tmp_path, ROOMY), URLS[:1]) == CONTENTS[:1]
    assert way(Cache(tmp_path, ROOMY), URLS[:1]) == CONTENTS[:1]
    assert requests(filled) == 2
    assert len(entries(tmp_path)) == 1


@WAYS
def test_what_a_killed_process_left_is_written_over(filled, tmp_path, way):
    way(Cache(tmp_path, ROOMY), URLS[:1])
    entry = entries(tmp_path)[0]
    entry.unlink()
    (tmp_path / "partial" / entry.name.split("-")[0]).write_bytes(b"half of something longer" * 100)
    assert way(Cache(tmp_path, ROOMY), URLS[:1]) == CONTENTS[:1]
    assert [path.read_bytes() for path in entries(tmp_path)] == CONTENTS[:1]
    assert not list((tmp_path / "partial").iterdir())


@FORKED
def test_processes_wait_for_the_one_that_fetches(filled, tmp_path):
    filled.link.latency = 0.3
    with multiprocessing.get_context("fork").Pool(4) as pool:
        found = pool.map(partial(Cache(tmp_path, ROOMY).path_of, fingerprint="f"), URLS[:1] * 4, chunksize=1)
    assert [path.read_bytes() for path in found] == CONTENTS[:1] * 4
    assert requests(filled) == 1


def worked(folder, seed):
    """What one of several processes finds wrong while entries come and go."""
    cache, order = Cache(folder, 1200), np.random.default_rng(seed)
    return [index for index in order.integers(0, 5, 40) if cache.read([URLS[index]], "f") != [CONTENTS[index]]]


@FORKED
def test_processes_share_a_folder_and_keep_its_bound(filled, tmp_path):
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(partial(worked, tmp_path), range(3), chunksize=1) == [[], [], []]
    assert sum(path.stat().st_size for path in entries(tmp_path)) <= 1200
    assert int((tmp_path / "bytes").read_text()) == sum(path.stat().st_size for path in entries(tmp_path))


def test_on_a_full_disk_reading_goes_on_and_says_so_once(filled, tmp_path, capsys):
    cache = Cache(tmp_path, ROOMY)
    with full(100):
        assert cache.read(URLS, "f") == CONTENTS
    assert capsys.readouterr().err.count("cannot be written (File too large): going on without") == 1
    assert not entries(tmp_path)
    assert not list((tmp_path / "partial").iterdir())


def test_on_a_full_disk_there_is_no_file_and_that_is_told_in_a_sentence(filled, tmp_path):
    with full(100), pytest.raises(UserError, match=r"cache=.* cannot take in an object \(File too large\): make room"):
        Cache(tmp_path, ROOMY).path_of(URLS[0], "f")
    assert not list((tmp_path / "partial").iterdir())


def test_a_folder_that_cannot_be_written_is_told_before_any_work(filled, tmp_path, capsys):
    (tmp_path / "file").write_text("no folder")
    cache = Cache(tmp_path / "file" / "cache", ROOMY)
    with pytest.raises(UserError, match=r"cache=.*file/cache.* \(Not a directory\): make room"):
        cache.check()
    assert cache.read(URLS, "f") == CONTENTS
    assert "going on without" in capsys.readouterr().err


def test_an_object_above_the_bound_is_read_and_not_kept(filled, tmp_path):
    cache = Cache(tmp_path, 300)
    assert cache.read(URLS[:1], "f") == CONTENTS[:1]
    with pytest.raises(UserError, match="may hold 300 bytes"):
        cache.path_of(URLS[0], "f")
    assert not (tmp_path / "entries").exists() or not entries(tmp_path)


@WAYS
def test_a_failure_of_the_bucket_is_not_one_of_the_cache(filled, tmp_path, way):
    with pytest.raises(bucket.Missing):
        way(Cache(tmp_path, ROOMY), [*URLS, "gs://bucket/nowhere"])
    assert isinstance(Cache(tmp_path, ROOMY).path_of(URLS[0], "f"), Path)


def test_a_check_leaves_nothing_but_folders(tmp_path):
    Cache(tmp_path, ROOMY).check()
    assert not entries(tmp_path)
    assert os.listdir(tmp_path / "partial") == []
