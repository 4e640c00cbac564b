"""`python -m clinimcl.phantom layout=oasis3 out=DIR subjects=60 seed=0`: a cohort to try everything on."""

from pathlib import Path

from clinimcl.config.command import launch
from clinimcl.config.settings import PhantomSettings


def phantom(settings: PhantomSettings) -> None:
    from dataclasses import replace

    from clinimcl.errors import UserError
    from clinimcl.phantoms.brain.parameters import BrainParameters, with_scanners
    from clinimcl.phantoms.writing import layout_named, write_cohort

    out = Path(settings.out)
    parameters = layout_named(settings.layout).parameters
    if isinstance(parameters, BrainParameters):
        parameters = replace(parameters, spacing=settings.spacing)
        parameters = with_scanners(parameters, settings.scanners, settings.travelling)
    elif settings.scanners is not None or settings.travelling:
        raise UserError(
            f"scanners and travelling are of brains, and layout={settings.layout} is of lungs: leave them out"
        )
    written = write_cohort(
        out,
        layout=settings.layout,
        subjects=settings.subjects,
        seed=settings.seed,
        parameters=parameters,
        workers=settings.workers,
    )
    print(f"{out}: {settings.subjects} subjects {'written' if written else 'already there'}")


def main() -> None:
    launch(phantom, PhantomSettings, "phantom")


if __name__ == "__main__":
    main()
