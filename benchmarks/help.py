"""python benchmarks/help.py: `clinimcl.train --help`, beside the import of what training needs, a process each."""

import subprocess
import sys
from functools import partial

import timing

HELP = [sys.executable, "-m", "clinimcl.train", "--help"]
IMPORT = [sys.executable, "-c", "import lightning.pytorch, monai"]


def main() -> None:
    repeats = timing.options(__doc__).parse_args().repeats
    print(f"a process each, {timing.load()} before")
    told, imported = (
        timing.in_turns([partial(subprocess.run, command, check=True, capture_output=True)], times)[0]
        for command, times in ((HELP, 2 * repeats), (IMPORT, 2))  # no ratio is taken: seconds are the goal
    )
    print(f"--help: {timing.spread(told)} s, goal at most 0.5 s, aim 0.4 s")
    print(f"the import alone: {timing.spread(imported)} s")
    print(f"{timing.load()} after")


if __name__ == "__main__":
    main()
