import os
import time

import pytest

from clinimcl.errors import UserError
from clinimcl.storage.tree import connect, explore, read_csv


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_files_are_listed_below_the_root(tmp_path):
    write(tmp_path / "a (1), x=2" / "b c" / "scan.nii")
    tree = explore(str(tmp_path / "a (1), x=2"), "")
    assert tree.files == ("b c/scan.nii",)
    assert os.path.exists(tree.address(tree.files[0]))


def test_links_to_folders_are_followed_and_circles_end(tmp_path):
    write(tmp_path / "store" / "scan.nii")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "linked").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "back").symlink_to(tmp_path / "root")
    assert explore(str(tmp_path / "root"), "").files == ("linked/scan.nii",)


def test_hidden_folders_are_left_alone(tmp_path):
    write(tmp_path / ".git" / "annex" / "scan.nii")
    assert explore(str(tmp_path), "").files == ()


@pytest.mark.parametrize("name", ["._scan.nii", ".scan.nii", "__MACOSX/scan.nii", "a/.b/scan.nii", "@eaDir/scan.nii"])
def test_hidden_files_are_not_listed(tmp_path, bucket, name):
    write(tmp_path / name)
    write(tmp_path / "scan.nii")
    bucket.pipe({f"bucket/study/{file}": b"x" for file in (name, "scan.nii")})
    assert explore(str(tmp_path), "").files == explore("gs://bucket/study", "").files == ("scan.nii",)


def test_hidden_files_beside_the_root_are_not_found_and_a_hidden_folder_above_is_no_matter(tmp_path):
    write(tmp_path / ".data" / "root" / "scan.nii")
    write(tmp_path / ".data" / "._table.csv")
    write(tmp_path / ".data" / "table.csv")
    tree = explore(str(tmp_path / ".data" / "root"), "")
    assert (tree.files, tree.beside()) == (("scan.nii",), [str(tmp_path / ".data" / "table.csv")])


def test_a_missing_root_says_how_to_get_the_data(tmp_path):
    with pytest.raises(UserError, match=r"no such folder: .*nowhere. Ask Bob"):
        explore(str(tmp_path / "nowhere"), "Ask Bob")


def test_files_beside_the_root_are_found(tmp_path):
    write(tmp_path / "root" / "scan.nii")
    write(tmp_path / "table.csv")
    assert explore(str(tmp_path / "root"), "").beside() == [str(tmp_path / "table.csv")]


def test_small_files_are_read_together_and_unreadable_ones_left_out(tmp_path):
    write(tmp_path / "a.json", "{}")
    (tmp_path / "b.json").symlink_to(tmp_path / "gone")
    assert explore(str(tmp_path), "").contents(["a.json", "b.json"]) == {"a.json": b"{}"}


def test_a_bucket_is_read_as_a_folder_is(bucket):
    bucket.pipe_file("bucket/study 1/s/scan.nii.gz", b"x")
    bucket.pipe_file("bucket/study 1/s/scan.json", b"{}")
    bucket.pipe_file("bucket/table.csv", b"a,b\n1,\n")
    tree = explore("gs://bucket/study 1/", "")
    assert tree.files == ("s/scan.json", "s/scan.nii.gz")
    assert tree.address("s/scan.nii.gz") == "gs://bucket/study 1/s/scan.nii.gz"
    assert tree.contents(["s/scan.json"]) == {"s/scan.json": b"{}"}
    assert read_csv(tree.beside()[0]).to_dict("list") == {"a": ["1"], "b": [""]}


def test_a_missing_bucket_says_how_to_get_the_data(bucket):
    with pytest.raises(UserError, match=r"nothing found at gs://elsewhere/study. Ask Bob"):
        explore("gs://elsewhere/study", "Ask Bob")


def test_an_unreachable_server_is_given_up_within_seconds(monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    started = time.monotonic()
    with pytest.raises(UserError, match=r"gs://bucket/study: no answer within 0.5 s"):
        explore("gs://bucket/study", "", seconds=0.5)
    assert time.monotonic() - started < 5


def test_an_unknown_protocol_is_named():
    with pytest.raises(UserError, match=r"nonsense://x: .*expected a local folder or a URL such as gs://"):
        connect("nonsense://x")


def test_a_protocol_without_its_package_says_what_to_install():
    with pytest.raises(UserError, match=r"abfs://x: .*pip install 'adlfs'"):
        connect("abfs://x")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nothing found at .*t.csv"):
        read_csv(str(tmp_path / "t.csv"))


def test_a_table_that_was_not_fetched_says_how_to_fetch_it(tmp_path):
    (tmp_path / "t.csv").symlink_to(".git/annex/objects/gone")
    with pytest.raises(UserError, match=r"t.csv is a link of git-annex.*datalad get"):
        read_csv(str(tmp_path / "t.csv"))
    with pytest.raises(UserError, match=r"^t.csv is a link of git-annex"):
        explore(str(tmp_path), "").table("t.csv")
