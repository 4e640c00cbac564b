import os
import pickle
import resource
import shutil
import signal
import time
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from clinimcl.errors import UserError
from clinimcl.preparation import shards as module
from clinimcl.preparation.packing import packed
from clinimcl.preparation.store import Store

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


def join_all(folder, arrays):
    Store(folder).join(arrays, 1)


def test_a_killed_join_loses_nothing_and_the_next_ends_it(tmp_path):
    store, arrays = filled(tmp_path, MANY)
    process = get_context("spawn").Process(target=join_all, args=(tmp_path, arrays))
    process.start()
    while not shards(tmp_path):
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert 0 < len(shards(tmp_path)) < len(arrays)
    assert np.array_equal(read(store, arrays[:5]), MANY[:5])
    Store(tmp_path).join(arrays, 1)
    assert len(shards(tmp_path)) == len(arrays) and not list((tmp_path / "arrays").iterdir())
    assert np.array_equal(read(Store(tmp_path), arrays), MANY)


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
    for how in (read, lambda store, arrays: store.stored(*arrays[-1])):
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
    path.write_text(path.read_text().replace("key", "cey"))
    with pytest.raises(UserError, match=rf"{path.name} is missing or damaged .* delete it and {path.stem}.npy"):
        Store(tmp_path).has("key0")


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


def test_a_process_keeps_a_bounded_number_of_files_open(tmp_path, monkeypatch):
    store, arrays = joined(tmp_path, scans=1)
    monkeypatch.setattr(module, "_opened", lru_cache(2)(module._File))
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert np.array_equal(read(store, arrays), VOLUMES)
    assert len(list(Path("/proc/self/fd").iterdir())) - before == 2


def test_more_shards_than_files_may_be_open_are_told(tmp_path):
    _, arrays = joined(tmp_path, MANY, scans=1)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 20, limits[1]))
    try:
        store = Store(tmp_path)
        with pytest.raises(UserError, match="more shards than this process may have files open"):
            [store.stored(*array) for array in arrays]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        module.forget_files()
    assert np.array_equal(read(Store(tmp_path), arrays), MANY)
