from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from clinimcl.data import volumes
from clinimcl.errors import UserError
from clinimcl.preparation.store.bucket_store import BucketStore
from clinimcl.preparation.store.shards import forget
from clinimcl.preparation.store.store import Store
from clinimcl.preparation.store.uint8 import packed
from clinimcl.storage.cache import Cache


@pytest.mark.parametrize("slices", [None, 2])
@pytest.mark.parametrize("held", [False, True])
def test_packed_scans_are_gathered_as_intensities(tmp_path, slices, held):
    store, steps = Store(tmp_path), np.random.default_rng(0).integers(256, size=(3, 4, 4, 4)) / 256
    found = {}
    for kind, array in {"plain": steps.astype(np.float16), "packed": packed(steps.astype(np.float32))}.items():
        kept = [(f"{kind}{number}", store.put(f"{kind}{number}", one)) for number, one in enumerate(array)]
        own = volumes.Volumes(pd.DataFrame(kept, columns=["key", "checksum"]), store, slices)
        if held:
            own.hold(torch.device("cpu"))
        found[kind] = own.gather([2, 0])
    assert found["packed"].dtype == torch.float16 and torch.equal(found["packed"], found["plain"])


def test_to_hold_a_store_larger_than_its_cache_each_scan_is_fetched_once(link, tmp_path, monkeypatch):
    monkeypatch.setattr(volumes, "BLOCK", 2)
    store = BucketStore("gs://bucket/store", tmp_path / "ledger", Cache(tmp_path / "cache", 1000))  # three of them
    arrays = [np.full((4, 4, 4), number, np.float16) for number in range(7)]
    kept = [(f"key{number}", store.put(f"key{number}", array)) for number, array in enumerate(arrays)]
    own = volumes.Volumes(pd.DataFrame(kept, columns=["key", "checksum"]), store, slices=None)
    link.counts.clear()
    own.hold(torch.device("cpu"))
    assert link.counts["objects"] == 7
    assert own.gather([6, 0])[:, 0, 0, 0, 0].tolist() == [6, 0]


def resident():
    """Kibibytes of this process in files and of its own."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Rss")}


def test_scans_in_shards_are_held_in_memory_that_all_processes_share(tmp_path):
    store, arrays = Store(tmp_path), np.ones((8, 128, 128, 128), np.float16)  # 32 MiB
    kept = [(f"key{number}", store.put(f"key{number}", array)) for number, array in enumerate(arrays)]
    store.join(kept, 4)
    own = volumes.Volumes(pd.DataFrame(kept, columns=["key", "checksum"]), Store(tmp_path), slices=None)
    before = resident()
    own.hold(torch.device("cpu"))
    after = resident()
    assert sum(after[kind] - before[kind] for kind in ("RssFile", "RssShmem")) > 30 * 2**10
    assert after["RssAnon"] - before["RssAnon"] < 8 * 2**10
    assert torch.equal(own.gather([3, 7]), torch.ones(2, 1, 128, 128, 128, dtype=torch.float16))


def test_a_shard_that_is_gone_when_it_is_mapped_again_is_told(tmp_path):
    store, arrays = Store(tmp_path), np.ones((2, 4, 4, 4), np.float16)
    kept = [(f"key{number}", store.put(f"key{number}", array)) for number, array in enumerate(arrays)]
    store.join(kept, 2)
    own = volumes.Volumes(pd.DataFrame(kept, columns=["key", "checksum"]), store, slices=None)
    own.hold(torch.device("cpu"))
    shard = next((tmp_path / "shards").glob("*.npy"))
    shard.unlink()
    forget()
    with pytest.raises(UserError, match=rf"{shard.name} is missing or damaged: delete it and prepare again"):
        own.gather([0])
