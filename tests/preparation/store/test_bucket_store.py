import numpy as np
import pandas as pd
import pytest

from clinimcl.errors import UserError
from clinimcl.preparation.store.bucket_store import BucketStore
from clinimcl.storage import bucket
from clinimcl.storage.cache import Cache
from clinimcl.storage.tree import connect

URL = "gs://bucket/stores/one"
VOLUMES = {f"key{number}": np.full((3, 4, 5), number, np.float16) for number in range(3)}
TABLE = pd.DataFrame({"subject": ["a"], "path": ["gs://bucket/a.nii.gz"], "reason": [""]})


def on_a_machine(folder, url=URL):
    return BucketStore(url, folder / "ledger", Cache(folder / "cache", 2**20))


@pytest.fixture
def filled(link, tmp_path):
    """A store that another machine prepared, and the checksums of its arrays."""
    store = on_a_machine(tmp_path / "other")
    checksums = {key: store.put(key, array) for key, array in VOLUMES.items()}
    store.write_table(TABLE)
    return checksums


def read(store, key, checksum):
    place = np.empty((3, 4, 5), np.float16)
    store.read_into(key, checksum, place)
    return place


def test_what_one_machine_wrote_another_reads(filled, tmp_path):
    store = on_a_machine(tmp_path)
    store.bring(list(filled.items()))
    assert all(np.array_equal(read(store, key, checksum), VOLUMES[key]) for key, checksum in filled.items())
    assert store.prepared()
    pd.testing.assert_frame_equal(store.table(), TABLE)
    assert store.has("key0") and not store.has("key7")
    assert store.checksum("key0") == filled["key0"]


def test_what_is_packed_is_read_from_a_bucket_as_intensities(link, tmp_path):
    steps = np.full((3, 4, 5), 64, np.uint8)
    checksum = on_a_machine(tmp_path / "other").put("key", steps)
    assert (on_a_machine(tmp_path).get("key", checksum) == 0.25).all()


def test_a_second_epoch_asks_for_nothing(filled, link, tmp_path):
    store = on_a_machine(tmp_path)
    store.bring(list(filled.items()))
    link.counts.clear()
    store.bring(list(filled.items()))
    assert all(read(store, key, checksum) is not None for key, checksum in filled.items())
    assert not link.counts


def test_a_store_that_does_not_change_is_not_written(filled, link, tmp_path):
    link.counts.clear()
    on_a_machine(tmp_path).write_table(TABLE)
    assert link.counts["uploads"] == 0


def test_a_store_that_is_not_there_holds_nothing(link, tmp_path):
    store = on_a_machine(tmp_path)
    assert not store.prepared() and not store.has("key0")


def test_an_array_whose_bytes_are_not_those_that_were_written_is_told(filled, tmp_path):
    bucket.upload(b"others", f"{URL}/arrays/key0.npy")
    with pytest.raises(UserError, match=rf"{URL}/arrays/key0.npy is damaged .* delete that object"):
        read(on_a_machine(tmp_path), "key0", filled["key0"])


def test_an_array_that_is_gone_is_told(filled, tmp_path):
    filesystem, place = connect(f"{URL}/arrays/key0.npy")
    filesystem.rm_file(place)
    with pytest.raises(UserError, match=rf"store={URL} cannot be read \(404"):
        read(on_a_machine(tmp_path), "key0", filled["key0"])


@pytest.mark.parametrize(("url", "refused"), [("gs://nowhere/store", 0), (URL, 403), (URL, 401)])
def test_a_bucket_that_cannot_be_written_is_told(link, tmp_path, url, refused):
    link.link.refused = refused
    with pytest.raises(UserError, match=f"^store={url} cannot be written .*check that the bucket exists"):
        on_a_machine(tmp_path, url).put("key0", VOLUMES["key0"])


def test_a_store_that_may_not_be_read_is_told(filled, link, tmp_path):
    link.link.refused = 403
    with pytest.raises(UserError, match=f"store={URL} cannot be read .*check the address, the network and your cred"):
        on_a_machine(tmp_path).table()


def test_a_store_may_be_a_folder_that_is_not_there_yet(tmp_path):
    store = on_a_machine(tmp_path, f"file://{tmp_path}/disk/stores/one")
    checksum = store.put("key1", VOLUMES["key1"])
    assert np.array_equal(read(store, "key1", checksum), VOLUMES["key1"])
