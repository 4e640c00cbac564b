"""`python -m clinimcl.phantom layout=oasis3 out=DIR subjects=60 seed=0`: a cohort to try everything on."""

from pathlib import Path
from typing import Any

from clinimcl.launching import launch


def phantom(configuration: dict[str, Any]) -> None:
    from dataclasses import replace

    from clinimcl.phantoms.parameters import BRAIN
    from clinimcl.phantoms.writing import write_cohort

    out = Path(configuration["out"])
    written = write_cohort(
        out,
        layout=configuration["layout"],
        subjects=configuration["subjects"],
        seed=configuration["seed"],
        parameters=replace(BRAIN, spacing=float(configuration["spacing"])),
        workers=configuration["workers"],
    )
    print(f"{out}: {configuration['subjects']} subjects {'written' if written else 'already there'}")


def main() -> None:
    launch(phantom, "phantom")


if __name__ == "__main__":
    main()
