"""`python -m clinimcl.prepare cohort=bids cohort.root=DIR`: every scan once, into a store."""

from clinimcl.config.command import launch
from clinimcl.config.settings import StoreSettings


def prepare(settings: StoreSettings) -> None:
    from clinimcl.runs.preparing import prepare_cohort

    prepare_cohort(settings)


def main() -> None:
    launch(prepare, StoreSettings, "prepare")


if __name__ == "__main__":
    main()
