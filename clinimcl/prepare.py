"""`python -m clinimcl.prepare cohort=bids cohort.root=DIR`: every scan once, into a store."""

from pathlib import Path
from typing import Any

from clinimcl.errors import UserError
from clinimcl.launching import launch
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


def store_folder(chosen: str | None, cohort: Any, pipeline: Any) -> Path:
    """`chosen`, or a folder beside the runs that only this cohort with this preparation uses."""
    import xxhash

    if chosen is not None and "://" in chosen:
        raise UserError(f"store={chosen} must be a local folder: scans may lie in a bucket, the prepared store may not")
    if chosen is not None:
        return Path(chosen)
    digest = xxhash.xxh3_64_hexdigest(f"{cohort.root} {pipeline.digest}".encode())
    return Path("runs").absolute() / "stores" / f"{type(cohort).__name__.lower()}-{digest}"


def main() -> None:
    launch(prepare, PrepareSettings, "prepare")


if __name__ == "__main__":
    main()
