import pytest

from clinimcl.storage.pointers import dangling, unfetched

KEY = b"MD5E-s10486260--0123456789abcdef0123456789abcdef.nii.gz"


@pytest.mark.parametrize(
    ("content", "command"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12\n", "git lfs pull"),
        (b"/annex/objects/" + KEY + b"\n", "datalad get"),
        (b"../../../.git/annex/objects/aa/bb/" + KEY + b"/" + KEY, "datalad get"),
        (b".git\\annex\\objects\\aa\\bb\\" + KEY, "datalad get"),
    ],
)
def test_a_pointer_says_what_fetches_its_content(content, command):
    assert command in unfetched(content)


@pytest.mark.parametrize(
    "content", [b"", b"path\tsize\n/data/annex\t3\n", b"\x1f\x8b\x08", b"see /annex/objects/ there"]
)
def test_other_files_are_no_pointers(content):
    assert unfetched(content) == ""


@pytest.mark.parametrize(
    ("target", "words"), [("../.git/annex/objects/a/b", "datalad get"), ("gone", "a link to a file")]
)
def test_a_link_to_nothing_is_told(tmp_path, target, words):
    (tmp_path / "scan.nii.gz").symlink_to(target)
    assert words in dangling(str(tmp_path / "scan.nii.gz"))


def test_a_link_to_a_file_is_none(tmp_path):
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to("real")
    assert dangling(str(tmp_path / "link")) == dangling(str(tmp_path / "real")) == ""
