"""A cohort prepared into a store, without training on it."""

from clinimcl.config.building import build
from clinimcl.config.settings import StoreSettings
from clinimcl.preparation.prepare import Prepared, TooManySetAside, prepare
from clinimcl.preparation.store.store import Store
from clinimcl.runs import stores


def prepare_cohort(settings: StoreSettings) -> None:
    """Every scan once; then joined into shards where this is asked for."""
    cohort, pipeline = build(settings.cohort, "cohort"), build(settings.preparation, "preparation")
    store, cache = stores.store(settings, cohort, pipeline, settings.store), stores.cache(settings)
    engine = build(settings.engine, "engine")
    print(f"store: {store.place}")
    scans, audit, _ = cohort.table()
    try:
        prepared = prepare(scans, pipeline, store, engine, most_set_aside=settings.most_set_aside, cache=cache)
    except TooManySetAside as error:
        print(error.tally)
        raise
    store.write_audit(audit)
    print(prepared.summary)
    if settings.scans_per_shard is not None:
        _join(store, prepared, settings.scans_per_shard)


def _join(store: Store, prepared: Prepared, scans_per_shard: int) -> None:
    usable = prepared.scans[prepared.scans["reason"] == ""]
    joined = store.join(zip(usable["key"], usable["checksum"], strict=True), scans_per_shard)
    print(f"{joined} joined into shards of {scans_per_shard}")
