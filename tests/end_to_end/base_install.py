"""A virtual environment that holds what `pip install clinimcl` would install, and nothing else."""

import importlib.metadata
import re
import venv
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

CHECKOUT = Path(__file__).parents[2]


def base_install(folder: Path) -> Path:
    """Its Python. What is installed here is linked into it, so that nothing is fetched."""
    venv.create(folder, symlinks=True)
    site = next(folder.glob("lib/python3*/site-packages"))
    (site / "checkout.pth").write_text(f"{CHECKOUT}\n")
    for name in needed("clinimcl"):
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            if not top.endswith(".pth"):
                (site / top).symlink_to(str(distribution.locate_file(top)))
    return folder / "bin" / "python"


def needed(name: str) -> set[str]:
    """Distributions that one needs without its extras, itself included."""
    found, asked = set(), [name]
    while asked:
        name = re.sub(r"[-_.]+", "-", asked.pop()).lower()
        if name not in found:
            found.add(name)
            asked += required(name)
    return found


def required(name: str) -> Iterator[str]:
    for line in importlib.metadata.requires(name) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name
