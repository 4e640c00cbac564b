import os

import pytest

from clinimcl.errors import UserError
from clinimcl.preparation.fetching import UnreadableFile, digest, fetch, fetch_series, fingerprint
from clinimcl.preparation.formats.reading import UnusableScan
from clinimcl.storage.cache import Cache
from clinimcl.storage.tree import connect
from tests.preparation.formats.dicom.test_dicom import LOOP, written


@pytest.fixture
def folder(tmp_path):
    """Two slices and what else lies about."""
    for name, content in {"b.dcm": b"second", "a.DCM": b"first", "notes.txt": b"no slice"}.items():
        (tmp_path / name).write_bytes(content)
    return f"{tmp_path}/"


def test_a_series_is_its_dicom_files_by_name(folder):
    assert fetch_series(folder) == [b"first", b"second"]


def test_the_digest_of_a_series_knows_no_order():
    assert digest([b"first", b"second"]) == digest([b"second", b"first"]) != digest([b"first", b"third"])


def test_the_digest_of_one_file_is_that_of_its_bytes():
    assert digest([b"first"]) != digest([b"second"])


def test_a_changed_slice_changes_the_fingerprint(folder):
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    os.utime(f"{folder}b.dcm", (1, 1))
    assert fingerprint(folder) != before


def test_a_folder_without_slices_is_unusable(tmp_path):
    (tmp_path / "notes").write_bytes(b"no slice")
    with pytest.raises(UnusableScan, match=r"the folder holds no .dcm file and no other DICOM file"):
        fetch_series(f"{tmp_path}/")


@pytest.mark.parametrize("name", ["._b.dcm", ".b.dcm", ".DS_Store"])
def test_hidden_files_are_no_slices(folder, tmp_path, name):
    (tmp_path / name).write_bytes(b"\0\x05\x16\x07")
    assert fetch_series(folder) == [b"first", b"second"]


def test_hidden_files_are_no_slices_without_an_ending_either(tmp_path):
    for name in ("IM1", "._IM1"):
        (tmp_path / name).write_bytes(written(LOOP))
    assert fetch_series(f"{tmp_path}/") == [written(LOOP)]


@pytest.mark.parametrize(("name", "content"), [("IM1.dcm", b"a slice"), ("IM1", written(LOOP))])
def test_slices_that_lie_deeper_are_said_to(tmp_path, name, content):
    for series in ("T1", "T2"):
        (tmp_path / "study" / series).mkdir(parents=True)
        (tmp_path / "study" / series / name).write_bytes(content)
    with pytest.raises(UnusableScan, match="its slices lie deeper, in 2 folders of it, each of which is a series"):
        fetch_series(f"{tmp_path}/")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "scan.nii")
    with pytest.raises(UnusableScan, match="the file is a pipe or a device"):
        fetch(str(tmp_path / "scan.nii"))


def test_a_pipe_among_slices_is_not_waited_for(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"first")
    os.mkfifo(tmp_path / "b.dcm")
    with pytest.raises(UnreadableFile, match="a file of the folder is a pipe or a device"):
        fetch_series(f"{tmp_path}/")


def test_a_pipe_beside_slices_without_an_ending_is_none_of_them(tmp_path):
    (tmp_path / "IM1").write_bytes(written(LOOP))
    os.mkfifo(tmp_path / "IM0")
    (tmp_path / "IM00").symlink_to(tmp_path / "IM0")
    assert fetch_series(f"{tmp_path}/") == [written(LOOP)]


def test_what_lies_deeper_is_looked_into_only_where_it_can_be_read(tmp_path):
    for name in ("T1", "T2"):
        (tmp_path / "study" / name).mkdir(parents=True)
    os.mkfifo(tmp_path / "study" / "T1" / "IM0")
    (tmp_path / "study" / "T2" / "IM0").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UnusableScan, match=r"no other DICOM file$"):
        fetch_series(f"{tmp_path}/")


def test_a_missing_folder_is_said_to_be_missing(tmp_path):
    with pytest.raises(UnreadableFile, match="the folder is not there"):
        fetch_series(f"{tmp_path}/nowhere/")
    assert fingerprint(f"{tmp_path}/nowhere/") == "missing"


def test_a_link_whose_content_was_not_fetched_says_how_to_fetch_it(tmp_path):
    (tmp_path / "scan.nii.gz").symlink_to("../.git/annex/objects/aa/gone")
    (tmp_path / "a.dcm").symlink_to("../.git/annex/objects/aa/gone")
    for read, path, what in (
        (fetch, f"{tmp_path}/scan.nii.gz", "the file"),
        (fetch_series, f"{tmp_path}/", "a file of the folder"),
    ):
        with pytest.raises(UnreadableFile, match=f"{what} is a link of git-annex, .*datalad get"):
            read(path)


@pytest.mark.parametrize(
    "content", [b"version https://git-lfs.github.com/spec/v1\noid x\n", b"/annex/objects/MD5E-s1--a"]
)
def test_a_pointer_whose_content_was_not_fetched_says_how_to_fetch_it(tmp_path, content):
    (tmp_path / "a.dcm").write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"the mask is a pointer of .*its content was not fetched: run `"):
        fetch(f"{tmp_path}/a.dcm", "the mask")
    with pytest.raises(UnreadableFile, match=r"a file of the folder is a pointer of"):
        fetch_series(f"{tmp_path}/")


def test_a_folder_that_is_given_as_a_file_is_answered_with_the_slash(tmp_path):
    with pytest.raises(UnreadableFile, match="the path of a DICOM series ends with /"):
        fetch(str(tmp_path))


SERIES = "gs://bucket/sub-1/T1/"


@pytest.fixture
def remote(link):
    """The link to a series and what else lies about."""
    for name, content in {"b.dcm": b"second", "a.DCM": b"first", "notes.txt": b"no slice"}.items():
        connect(SERIES)[0].pipe_file(SERIES + name, content)
    return link


def test_a_series_in_a_bucket_is_its_dicom_files_by_name(remote):
    assert fetch_series(SERIES) == [b"first", b"second"]


def test_slices_that_lie_deeper_in_a_bucket_are_said_to(remote):
    with pytest.raises(UnusableScan, match="its slices lie deeper, in 1 folder of it"):
        fetch_series("gs://bucket/sub-1/")


def test_a_server_is_asked_little_of_what_lies_deeper(remote):
    for number in range(60):
        connect(SERIES)[0].pipe_file(f"gs://bucket/sub-2/{number:02}/notes.txt", b"no slice")
    before = remote.counts["lists"]
    with pytest.raises(UnusableScan, match=r"holds no .dcm file$"):
        fetch_series("gs://bucket/sub-2/")
    assert remote.counts["lists"] - before <= 40


def test_what_is_in_the_cache_is_not_fetched(remote, tmp_path):
    cache = Cache(tmp_path, 10**6)
    for _ in range(2):
        assert fetch_series(SERIES, cache, fingerprint(SERIES)) == [b"first", b"second"]
        assert fetch(SERIES + "b.dcm", cache=cache, fingerprint=fingerprint(SERIES + "b.dcm")) == b"second"
    assert remote.counts["objects"] == 3


def test_a_missing_object_is_said_to_be_missing(remote):
    with pytest.raises(UnreadableFile, match="its mask is not there"):
        fetch("gs://bucket/sub-1/mask.nii.gz", "its mask")


def test_a_file_that_is_damaged_on_every_way_is_unreadable(remote):
    remote.link.faults = ["flip"] * 20
    with pytest.raises(UnreadableFile, match=r"the file arrives damaged each time \(the bytes do not fit"):
        fetch(SERIES + "b.dcm")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_told_in_a_sentence_without_the_name_of_the_subject(remote, status):
    remote.link.refused = status
    with pytest.raises(UserError, match=rf"^gs://bucket may not be read \({status} .*gcloud auth") as caught:
        fetch(SERIES + "b.dcm")
    assert "sub-1" not in str(caught.value)


def test_a_server_that_fails_again_and_again_ends_the_run(remote):
    remote.link.faults = ["503"] * 20
    with pytest.raises(UserError, match=r"^gs://bucket stopped answering \(503 Service Unavailable\): run again"):
        fetch(SERIES + "b.dcm")
