"""Seeds, versions, machine, time and energy of a run."""

import importlib.metadata
import os
import platform
from typing import Any

from clinimcl.evaluation.review.inputs import RunFacts
from clinimcl.evaluation.wording import number

PACKAGES = (
    "clinimcl",
    "torch",
    "lightning",
    "monai",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "SimpleITK",
    "nibabel",
)
SECONDS_A_MINUTE, JOULES_A_KILOWATT_HOUR = 60, 3.6e6
NO_ENERGY = (
    "The machine does not tell its energy: there is no counter of the processors that this user may read "
    "(/sys/class/powercap/intel-rapl:*/energy_uj)."
)


def package_versions() -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **versions}


def machine() -> dict[str, str]:
    """What computed, without its name."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": str(os.cpu_count()),
    }


def seeds(settings: dict[str, Any]) -> dict[str, int]:
    """Every seed of the configuration, by its key."""
    return {key: value for key, value in flattened(settings).items() if key.rpartition(".")[2] == "seed"}


def flattened(node: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in node.items():
        key = f"{prefix}{name}"
        found |= flattened(value, f"{key}.") if isinstance(value, dict) else {key: value}
    return found


def cost_rows(facts: RunFacts) -> list[tuple[str, str, str]]:
    """Stage, minutes, and kilowatt hours where they are known."""
    rows = []
    for stage, taken in facts.costs.items():
        energy = taken["joules"] / JOULES_A_KILOWATT_HOUR if "joules" in taken else None
        shown = "" if energy is None else number(energy)
        rows.append((stage, number(taken["seconds"] / SECONDS_A_MINUTE), shown))
    return rows


def cost_note(facts: RunFacts) -> str:
    if not facts.costs:
        return "How long the run took was not recorded: it is of an earlier version, or has not ended."
    if any("joules" in taken for taken in facts.costs.values()):
        return "Energy is that of the whole processor packages, with what other programs used, without a GPU."
    return NO_ENERGY
