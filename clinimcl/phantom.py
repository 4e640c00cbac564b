"""`python -m clinimcl.phantom layout=oasis3 out=DIR subjects=60 seed=0`: a cohort to try everything on."""

from pathlib import Path

from clinimcl.launching import launch
from clinimcl.settings import PhantomSettings


def phantom(settings: PhantomSettings) -> None:
    from dataclasses import replace

    from clinimcl.phantoms.parameters import BRAIN
    from clinimcl.phantoms.writing import write_cohort

    out = Path(settings.out)
    written = write_cohort(
        out,
        layout=settings.layout,
        subjects=settings.subjects,
        seed=settings.seed,
        parameters=replace(BRAIN, spacing=settings.spacing),
        workers=settings.workers,
    )
    print(f"{out}: {settings.subjects} subjects {'written' if written else 'already there'}")


def main() -> None:
    launch(phantom, PhantomSettings, "phantom")


if __name__ == "__main__":
    main()
