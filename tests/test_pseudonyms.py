import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor

import pytest

from clinimcl.errors import UserError
from clinimcl.pseudonyms import keyed, pseudonyms, read_key, shared_salt, without_ids

NAMES = {"OAS30001": "subject 1", "OAS30001b": "subject 2", "07": "subject 3"}


def test_subjects_are_numbered_as_they_appear():
    assert pseudonyms(["b", "a", "b"]) == {"b": "subject 1", "a": "subject 2"}


def test_path_and_id_leave_the_sentence():
    sentence = without_ids("/d/OAS30001/x y.nii.gz of OAS30001 ends early", "/d/OAS30001/x y.nii.gz", NAMES)
    assert sentence == "the file of subject 1 ends early"


def test_file_name_alone_leaves_too():
    assert without_ids("a.nii.gz is empty", "gs://bucket/d/a.nii.gz", NAMES) == "the file is empty"


def test_longer_id_is_not_cut():
    assert without_ids("OAS30001b is empty", "", NAMES) == "subject 2 is empty"


def test_bids_label_is_an_id():
    assert without_ids("sub-07 has 107 slices", "", NAMES) == "subject 3 has 107 slices"


def test_without_names_a_sentence_stays():
    assert without_ids("it is empty", "", {}) == "it is empty"


def test_keyed_names_are_the_start_of_the_hmac():
    assert keyed(["a"], b"secret") == {"a": hmac.new(b"secret", b"a", hashlib.sha256).hexdigest()[:16]}


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    key = read_key(tmp_path / "new" / "key")
    assert read_key(tmp_path / "new" / "key") == key
    assert (tmp_path / "new" / "key").stat().st_mode & 0o077 == 0


def test_a_short_key_is_refused(tmp_path):
    (tmp_path / "key").write_text("short")
    with pytest.raises(UserError, match="at least 16 bytes, got 5"):
        read_key(tmp_path / "key")


def test_all_who_ask_for_the_salt_of_a_folder_at_once_get_one(tmp_path):
    folders = [tmp_path / str(number) for number in range(10)]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(8) as threads:
        found = [set(threads.map(shared_salt, [folder] * 8)) for folder in folders]
    assert all(len(salts) == 1 and len(*salts) == 16 for salts in found)
    assert len(set.union(*found)) == 10
    assert [path.name for path in folders[0].iterdir()] == ["salt"]
