"""`python -m clinimcl.prepare cohort=bids cohort.root=DIR`: every scan once, into a store."""

from clinimcl.config.command import launch
from clinimcl.config.settings import StoreSettings


def prepare(settings: StoreSettings) -> None:
    from clinimcl.config.building import build
    from clinimcl.preparation import prepare as preparation
    from clinimcl.runs import stores

    cohort = build(settings.cohort, "cohort")
    pipeline = build(settings.preparation, "preparation")
    store, cache = stores.store(settings, cohort, pipeline, settings.store), stores.cache(settings)
    engine = build(settings.engine, "engine")
    print(f"store: {store.place}")
    scans, audit, _ = cohort.table()
    try:
        most = settings.most_set_aside
        prepared = preparation.prepare(scans, pipeline, store, engine, most_set_aside=most, cache=cache)
        store.write_audit(audit)
        print(prepared.summary)
        if settings.scans_per_shard is not None:
            usable = prepared.scans[prepared.scans["reason"] == ""]
            joined = store.join(zip(usable["key"], usable["checksum"], strict=True), settings.scans_per_shard)
            print(f"{joined} joined into shards of {settings.scans_per_shard}")
    except preparation.TooManySetAside as error:
        print(error.tally)
        raise


def main() -> None:
    launch(prepare, StoreSettings, "prepare")


if __name__ == "__main__":
    main()
