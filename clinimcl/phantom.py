"""`python -m clinimcl.phantom layout=oasis3 out=DIR subjects=60 seed=0`: a cohort to try everything on."""

from clinimcl.config.command import launch
from clinimcl.config.settings import PhantomSettings


def phantom(settings: PhantomSettings) -> None:
    from clinimcl.phantoms.writing import write_phantom

    written = write_phantom(settings)
    print(f"{settings.out}: {settings.subjects} subjects {'written' if written else 'already there'}")


def main() -> None:
    launch(phantom, PhantomSettings, "phantom")


if __name__ == "__main__":
    main()
