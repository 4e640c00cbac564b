import numpy as np
import pandas as pd
import torch

from clinimcl.data import volumes
from clinimcl.preparation.bucket_store import BucketStore
from clinimcl.preparation.cache import Cache


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
