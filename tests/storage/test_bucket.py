import base64
import hashlib
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from multidict import CIMultiDict

from clinimcl.storage import bucket
from clinimcl.storage.tree import connect

CONTENT = os.urandom(200_000) + b"\0"  # the emulator drops a carriage return at the end
SCAN = "gs://bucket/s/scan.nii.gz"


@pytest.fixture
def filled(link):
    connect(SCAN)[0].pipe_file(SCAN, CONTENT)
    link.counts.clear()
    return link


def test_an_object_is_read_by_one_request(filled):
    assert bucket.read([SCAN]) == [CONTENT]
    assert filled.counts == {"objects": 1}


def test_many_are_on_their_way_at_once_and_no_more_than_the_bound(filled):
    filled.link.latency = 0.1
    assert bucket.read([SCAN] * 80) == [CONTENT] * 80
    assert 8 < filled.most_at_once <= bucket.IN_FLIGHT


@pytest.mark.parametrize("fault", ["429", "503", "reset", "cut", "flip"])
def test_what_the_network_broke_is_asked_for_again(filled, fault):
    filled.link.faults = [fault, fault]
    assert bucket.read([SCAN]) == [CONTENT]
    assert filled.counts["objects"] >= 3


@pytest.mark.parametrize("fault", ["reset", "cut", "flip"])
def test_a_file_holds_nothing_of_a_broken_try(filled, tmp_path, fault):
    filled.link.faults = [fault]
    with (tmp_path / "file").open("w+b") as file:
        bucket.download(SCAN, file)
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "kind"), [(401, bucket.Denied), (403, bucket.Denied), (404, bucket.Missing)])
def test_a_refusal_is_taken_at_its_word(filled, status, kind):
    filled.link.refused = status
    with pytest.raises(kind, match=str(status)):
        bucket.read([SCAN])
    assert filled.counts["objects"] == 1


@pytest.mark.parametrize(
    ("fault", "kind"), [("503", bucket.Unanswered), ("cut", bucket.Damaged), ("flip", bucket.Damaged)]
)
def test_tries_end(filled, fault, kind):
    filled.link.faults = [fault] * 2 * bucket.TRIES
    with pytest.raises(kind):
        bucket.read([SCAN])
    assert filled.counts["objects"] == bucket.TRIES


@pytest.mark.parametrize(("tried", "most"), [(1, 0.01), (2, 0.02), (3, 0.04), (4, 0.05), (9, 0.05)])
def test_pauses_are_drawn_from_spans_that_double_up_to_a_bound(link, tried, most):
    pauses = [bucket._pause(tried) for _ in range(200)]
    assert 0 <= min(pauses) < 0.1 * most
    assert 0.9 * most < max(pauses) <= most


@pytest.mark.parametrize("encoding", ["Content-Encoding", "X-Goog-Stored-Content-Encoding"])
def test_an_object_that_is_inflated_on_the_way_is_not_held_to_the_checksum_of_what_is_stored(encoding):
    checksum, expected = bucket._expected(CIMultiDict({"X-Goog-Hash": "crc32c=AAAAAA==", encoding: "gzip"}))
    checksum.update(b"inflated")
    assert checksum.digest() == expected


def test_without_a_crc_the_md5_is_compared():
    md5 = base64.b64encode(hashlib.md5(b"content").digest()).decode()
    checksum, expected = bucket._expected(CIMultiDict({"X-Goog-Hash": f"md5={md5}"}))
    checksum.update(b"content")
    assert checksum.digest() == expected


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # this is what loaders do
def test_a_forked_process_reads_what_its_parent_read(filled):
    bucket.read([SCAN])
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(bucket.read, ([SCAN],)) == [CONTENT]


def test_other_file_systems_are_read_by_their_own_clients():
    connect("memory://x/file")[0].pipe_file("/x/file", b"content")
    assert bucket.read(["memory://x/file"]) == [b"content"]
    with pytest.raises(bucket.Missing):
        bucket.read(["memory://x/nowhere"])


def test_two_writers_of_one_object_do_each_other_no_harm(link):
    url, contents = "gs://bucket/one", [bytes([number]) * 10**5 for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(partial(bucket.upload, url=url), contents))
    assert bucket.read([url])[0] in contents
    filesystem, _ = connect(url)
    filesystem.invalidate_cache()
    assert filesystem.find("bucket") == ["bucket/one"]
