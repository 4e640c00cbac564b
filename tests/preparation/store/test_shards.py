import os
import pickle
import shutil
import signal
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from clinimcl.errors import UserError
from clinimcl.preparation.store import shards as module
from clinimcl.preparation.store.store import Store
from clinimcl.preparation.store.uint8 import packed

VOLUMES = np.random.default_rng(0).random((5, 3, 4, 5)).astype(np.float16)
MANY = np.repeat(VOLUMES, 12, axis=0)


def filled(folder, volumes=VOLUMES):
    store = Store(folder)
    return store, [(f"key{number}", store.put(f"key{number}", volume)) for number, volume in enumerate(volumes)]


def joined(folder, volumes=VOLUMES, scans=2):
    store, arrays = filled(folder, volumes)
    store.join(arrays, scans)
    return store, arrays


def shards(folder):
    return sorted((folder / "shards").glob("*.npy"))


def read(store, arrays, dtype=np.float16):
    places = np.empty((len(arrays), *VOLUMES.shape[1:]), dtype)
    for place, array in zip(places, arrays, strict=True):
        store.read_into(*array, place)
    return places


@pytest.mark.parametrize("volumes", [VOLUMES, packed(VOLUMES)], ids=["plain", "packed"])
def test_arrays_that_were_joined_are_read_as_before(tmp_path, volumes):
    store, arrays = joined(tmp_path, volumes)
    assert not list((tmp_path / "arrays").iterdir())
    assert np.array_equal(read(store, arrays, volumes.dtype), volumes)
    assert np.array_equal([store.stored(*array) for array in arrays], volumes)
    assert [store.checksum(key) for key, _ in arrays] == [checksum for _, checksum in arrays]
    assert all(store.has(key) for key, _ in arrays) and not store.has("key9")


def test_a_shard_holds_so_many_arrays_and_numpy_reads_it(tmp_path):
    joined(tmp_path)
    found = [np.load(path) for path in shards(tmp_path)]
    assert sorted(map(len, found)) == [1, 2, 2]
    assert sorted(array[0, 0, 0, 0] for array in found) == sorted(VOLUMES[::2, 0, 0, 0])


def test_what_came_later_is_joined_to_what_came_with_it(tmp_path):
    store, arrays = joined(tmp_path, VOLUMES[:2])
    before = {path: path.stat().st_mtime_ns for path in shards(tmp_path)}
    arrays += [("later", store.put("later", VOLUMES[2]))]
    assert store.join(arrays, 2) == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before and len(shards(tmp_path)) == 2
    assert np.array_equal(read(store, arrays), VOLUMES[:3])


def test_the_same_array_twice_is_joined_once(tmp_path):
    store, arrays = filled(tmp_path)
    assert store.join(arrays + arrays, 10) == len(arrays)
    assert len(np.load(*shards(tmp_path))) == len(arrays)


def test_a_process_that_reads_meanwhile_finds_them(tmp_path):
    store, arrays = filled(tmp_path)
    elsewhere = Store(tmp_path)
    before = read(elsewhere, arrays[:3])
    store.join(arrays, 2)
    assert np.array_equal(elsewhere.stored(*arrays[0]), before[0])
    assert np.array_equal(read(elsewhere, arrays), VOLUMES)


class Killed(Store):
    """Of which the third shard is the last."""

    def _write_shard(self, arrays):
        written = super()._write_shard(arrays)
        if len(shards(self.folder)) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return written


def join_until_killed(folder, arrays):
    Killed(folder).join(arrays, 2)


def test_a_killed_join_loses_nothing_and_the_next_ends_it(tmp_path):
    store, arrays = filled(tmp_path, MANY)
    process = get_context("spawn").Process(target=join_until_killed, args=(tmp_path, arrays))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL and len(shards(tmp_path)) == 3
    assert len(list((tmp_path / "arrays").iterdir())) == len(arrays) - 4  # those of the third are in both places
    assert np.array_equal(read(store, arrays), MANY)
    assert Store(tmp_path).join(arrays, 2) == len(arrays) - 6
    assert len(shards(tmp_path)) == len(arrays) / 2 and not list((tmp_path / "arrays").iterdir())
    assert np.array_equal(read(Store(tmp_path), arrays), MANY)


def test_an_own_file_stays_while_its_shard_is_damaged(tmp_path):
    store, arrays = filled(tmp_path, VOLUMES[:2])
    own = (tmp_path / "arrays" / "key1.npy").read_bytes()
    store.join(arrays, 2)
    (tmp_path / "arrays" / "key1.npy").write_bytes(own)  # as if a killed join had not come to it
    (path,) = shards(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    store.join(arrays, 2)
    path.unlink()
    assert np.array_equal(read(Store(tmp_path), arrays[1:]), VOLUMES[1:2])


def test_two_joins_of_the_same_arrays_join_them_once(tmp_path):
    store, arrays = filled(tmp_path)
    assert store.has("key0")  # which looks at the shards before the other writes some
    assert Store(tmp_path).join(arrays, 2) == 5 and store.join(arrays, 5) == 0
    assert sum(len(np.load(path)) for path in shards(tmp_path)) == 5


def test_what_was_read_by_itself_is_verified_again_in_its_shard(tmp_path):
    store, arrays = filled(tmp_path)
    elsewhere = Store(tmp_path)
    read(elsewhere, arrays)
    store.join(arrays, 5)
    (path,) = shards(tmp_path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{path.name} is missing or damaged"):
        read(elsewhere, arrays)


def test_a_place_of_another_shape_is_not_filled(tmp_path):
    store, arrays = joined(tmp_path)
    read(store, arrays)
    with pytest.raises(ValueError, match="broadcast"):
        store.read_into(*arrays[0], np.empty((2, 2), np.float16))


def test_an_array_in_another_order_of_axes_is_not_joined(tmp_path):
    store, arrays = filled(tmp_path)
    np.save(tmp_path / "arrays" / "key1.npy", np.asfortranarray(VOLUMES[1]))
    arrays[1] = ("key1", store.checksum("key1"))
    with pytest.raises(UserError, match="in C order"):
        store.join(arrays, 5)
    assert np.array_equal(read(store, arrays), VOLUMES)


@pytest.mark.parametrize("place", [-1, -100])
@pytest.mark.parametrize("how", [read, lambda store, arrays: [store.stored(*array) for array in arrays]])
def test_a_flipped_byte_is_told_and_where(tmp_path, place, how):
    _, arrays = joined(tmp_path, scans=5)
    (path,) = shards(tmp_path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{path.name} is missing or damaged .* delete it and prepare again"):
        how(Store(tmp_path), arrays)


@pytest.mark.parametrize("left", [0, 4, 60, 200, -1])
def test_a_shard_that_was_cut_short_is_told(tmp_path, left):
    _, arrays = joined(tmp_path, scans=5)
    (path,) = shards(tmp_path)
    path.write_bytes(path.read_bytes()[:left])
    for how in (read, lambda store, arrays: store.stored(*arrays[-1]), lambda store, _: store.checksum("key4")):
        with pytest.raises(UserError, match=rf"{path.name} is missing or damaged"):
            how(Store(tmp_path), arrays)


def test_of_a_shard_that_was_taken_away_nothing_is_there(tmp_path):
    store, arrays = joined(tmp_path)
    shutil.rmtree(tmp_path / "shards")
    assert not any(Store(tmp_path).has(key) for key, _ in arrays)
    with pytest.raises(UserError, match="missing or damaged"):
        read(store, arrays)


def test_other_keys_than_those_that_were_written_are_told(tmp_path):
    joined(tmp_path)
    path = shards(tmp_path)[0].with_suffix(".txt")
    before = path.read_bytes()
    for now in (before.replace(b"key", b"cey"), before.replace(b"3", b"\xff", 1), b""):
        path.write_bytes(now)
        with pytest.raises(UserError, match=rf"{path.name} is missing or damaged .* delete it and {path.stem}.npy"):
            Store(tmp_path).has("key0")
        module.forget()


def test_a_damaged_array_is_not_joined(tmp_path):
    store, arrays = filled(tmp_path)
    (tmp_path / "arrays" / "key3.npy").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"key3.npy is missing or damaged"):
        store.join(arrays, 5)
    assert not shards(tmp_path) and np.array_equal(read(store, arrays[:3]), VOLUMES[:3])


def test_arrays_of_two_kinds_are_not_joined(tmp_path):
    store, arrays = filled(tmp_path)
    arrays += [("other", store.put("other", np.zeros((2, 2, 2), np.float16)))]
    with pytest.raises(UserError, match=r"other.npy is float16 \(2, 2, 2\), expected float16 \(3, 4, 5\)"):
        store.join(arrays, 10)
    assert not shards(tmp_path) and len(list((tmp_path / "arrays").iterdir())) == len(arrays)


def test_a_store_that_goes_to_another_process_does_not_take_its_keys_along(tmp_path):
    _, arrays = joined(tmp_path, np.repeat(VOLUMES, 10, axis=0), scans=50)
    store = Store(tmp_path)
    assert store.has("key0")
    sent = pickle.dumps(store)
    assert b"key49" not in sent and np.array_equal(read(pickle.loads(sent), arrays[:1]), VOLUMES[:1])


@pytest.mark.parametrize("how", [read, lambda store, arrays: [store.stored(*array).copy() for array in arrays]])
def test_a_process_keeps_a_bounded_number_of_files_open(tmp_path, monkeypatch, how):
    store, arrays = joined(tmp_path, scans=1)
    for name in ("_opened", "_mapped"):
        monkeypatch.setattr(module, name, lru_cache(2)(getattr(module, name).__wrapped__))
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert np.array_equal(how(store, arrays), VOLUMES)
    assert len(list(Path("/proc/self/fd").iterdir())) - before == 2
