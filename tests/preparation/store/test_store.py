import numpy as np
import pandas as pd
import pytest

from clinimcl.errors import UserError
from clinimcl.preparation.store.store import Store
from clinimcl.preparation.store.uint8 import packed

VOLUME = np.random.default_rng(0).random((3, 4, 5)).astype(np.float16)


def stored(tmp_path, array=VOLUME):
    store = Store(tmp_path)
    return store, store.put("key", array)


def read(store, checksum, dtype=np.float16):
    place = np.empty(VOLUME.shape, dtype)
    store.read_into("key", checksum, place)
    return place


def test_an_array_is_read_into_its_place(tmp_path):
    assert np.array_equal(read(*stored(tmp_path)), VOLUME)


def test_an_array_whose_axes_lie_otherwise_in_memory_is_stored_as_any_other(tmp_path):
    assert np.array_equal(read(*stored(tmp_path, np.asfortranarray(VOLUME))), VOLUME)


def test_a_file_of_another_order_of_axes_is_read_all_the_same(tmp_path):
    store, _ = stored(tmp_path)
    np.save(tmp_path / "arrays" / "key.npy", np.asfortranarray(VOLUME))
    assert np.array_equal(read(store, store.checksum("key")), VOLUME)


@pytest.mark.parametrize("array", [VOLUME, packed(VOLUME)], ids=["plain", "packed"])
@pytest.mark.parametrize("place", [0, 7, 100, -1])
def test_a_flipped_byte_is_told(tmp_path, place, array):
    store, checksum = stored(tmp_path, array)
    path = tmp_path / "arrays" / "key.npy"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="missing or damaged"):
        read(store, checksum, array.dtype)


def test_a_file_cut_short_after_it_was_read_is_told(tmp_path):
    store, checksum = stored(tmp_path)
    read(store, checksum)
    path = tmp_path / "arrays" / "key.npy"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(UserError, match="missing or damaged"):
        read(store, checksum)


def test_a_file_that_is_gone_is_told(tmp_path):
    store, checksum = stored(tmp_path)
    (tmp_path / "arrays" / "key.npy").unlink()
    with pytest.raises(UserError, match="missing or damaged"):
        read(store, checksum)


@pytest.mark.parametrize("kept", [0, 100, -100])
def test_a_table_cut_short_is_told(tmp_path, kept):
    store = Store(tmp_path)
    store.write_table(pd.DataFrame({"subject": ["a"], "path": ["b"], "reason": [""]}))
    path = tmp_path / "scans.parquet"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"scans.parquet is damaged, expected a table of scans: delete it and prepare"):
        store.table()
