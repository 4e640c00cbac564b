"""Where a command keeps prepared scans, and what it fetches from buckets."""

import sys
from pathlib import Path
from typing import Any

import xxhash

from clinimcl.config.settings import PrepareSettings
from clinimcl.preparation.pipeline import CHANGED
from clinimcl.preparation.store.bucket_store import BucketStore
from clinimcl.preparation.store.store import Store
from clinimcl.storage.cache import Cache

DEFAULT_CACHE = Path("runs") / "cache"


def store(settings: PrepareSettings, cohort: Any, pipeline: Any, chosen: str | None) -> Store:
    """The chosen folder or URL, or a folder beside the runs that only this cohort with this preparation uses."""
    if chosen is not None and "://" in chosen:
        return BucketStore(chosen, _own_folder("bucket", chosen), cache(settings) or _cache(DEFAULT_CACHE, settings))
    if chosen is not None:
        return Store(Path(chosen))
    own, earlier = (
        _own_folder(type(cohort).__name__.lower(), f"{cohort.root} {digest}")
        for digest in (pipeline.digest, pipeline.earlier_digest)
    )
    if earlier.is_dir() and not own.is_dir():
        print(f"scans are prepared again by newer rules: {CHANGED}; {earlier} is no longer used", file=sys.stderr)
    return Store(own)


def cache(settings: PrepareSettings) -> Cache | None:
    return _cache(Path(settings.cache), settings) if settings.cache else None


def _cache(folder: Path, settings: PrepareSettings) -> Cache:
    return Cache(folder.absolute(), int(settings.cache_gib * 2**30))


def _own_folder(name: str, what: str) -> Path:
    return Path("runs").absolute() / "stores" / f"{name}-{xxhash.xxh3_64_hexdigest(what.encode())}"
