"""`python -m clinimcl.prepare cohort=bids cohort.root=DIR`: every scan once, into a store."""

from clinimcl.launching import launch
from clinimcl.run_folder import store_folder
from clinimcl.settings import PrepareSettings


def prepare(settings: PrepareSettings) -> None:
    from clinimcl.building import build
    from clinimcl.preparation import prepare as preparation
    from clinimcl.preparation.store import Store

    cohort = build(settings.cohort, "cohort")
    pipeline = build(settings.preparation, "preparation")
    store = Store(store_folder(settings.store, cohort, pipeline))
    engine = build(settings.engine, "engine")
    print(f"store: {store.folder}")
    scans, audit = cohort.table()
    try:
        prepared = preparation.prepare(scans, pipeline, store, engine, most_set_aside=settings.most_set_aside)
        store.write_audit(audit)
        print(prepared.tally)
    except preparation.TooManySetAside as error:
        print(error.tally)
        raise


def main() -> None:
    launch(prepare, PrepareSettings, "prepare")


if __name__ == "__main__":
    main()
