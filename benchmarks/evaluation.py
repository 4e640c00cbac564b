"""python benchmarks/evaluation.py CHECKOUT: evaluation by this build and by another checkout's, in turns.

The other checkout generates a phantom and trains a run with health change, so that both builds can read it. Each build
has a copy of the run, and a process of its own that stays. It evaluates with probes, and without the review pack where
the build has one. What is counted is its wall clock, the imports aside. It is no part of `make bench`, as it needs a
second checkout, such as `git worktree add ../before 249ab3e`.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import timing

HERE = Path(__file__).resolve().parents[1]
WORKER = """
import contextlib, dataclasses, json, sys, time
try:
    from clinimcl.config.settings import EvaluateSettings
    from clinimcl.evaluate import evaluate
except ImportError:  # a build whose rooms were others
    from clinimcl.evaluate import evaluate_command as evaluate
    from clinimcl.settings import EvaluateSettings
known = {"run": sys.argv[1], "probes": True, "cohort": None, "store": None, "allow_overlap": False, "review": "off"}
known["groups"] = ["sex", "age", "site", "scanner", "interval", "severity"]
fields = {field.name for field in dataclasses.fields(EvaluateSettings)}
settings = EvaluateSettings(**{name: value for name, value in known.items() if name in fields})
for _ in sys.stdin:
    start = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        evaluate(settings)
    print(json.dumps(time.perf_counter() - start), flush=True)
"""


def main() -> None:
    parser = timing.options(__doc__)
    parser.add_argument("checkout", type=Path, help="folder of the other build")
    parser.add_argument("--subjects", type=int, default=90)
    arguments = parser.parse_args()
    other = arguments.checkout.resolve()
    with tempfile.TemporaryDirectory() as name:
        run = train_run(other, Path(name), arguments.subjects)
        builds = [_start(checkout, copy_run(run, place)) for place, checkout in enumerate((HERE, other))]
        print(f"{arguments.subjects} people: {_compare(builds, arguments.repeats)}")
        for build in builds:
            build.terminate()
            build.wait()
    print(timing.load())


def train_run(checkout: Path, folder: Path, subjects: int) -> Path:
    """The demo's run on fewer people, of two epochs."""
    phantom = folder / "phantom"
    run = folder / "run"
    _command(checkout, "phantom", "layout=oasis3", f"out={phantom}", f"subjects={subjects}")
    _command(
        checkout,
        "train",
        "experiment=demo",
        "change=three_way_intra",
        f"cohort.root={phantom}",
        f"run={run}",
        f"store={folder / 'store'}",
        "epochs=2",
        "pretrain.batch=24",
        "keep_every=1",
    )
    return run


def copy_run(run: Path, place: int) -> Path:
    return Path(shutil.copytree(run, run.with_name(f"run_{place}")))


def _command(checkout: Path, name: str, *settings: str) -> None:
    command = [sys.executable, "-W", "ignore", "-m", f"clinimcl.{name}", *settings]
    subprocess.run(command, check=True, env=_environment(checkout), cwd=checkout, stdout=subprocess.DEVNULL)


def _environment(checkout: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(checkout), "PATH": "/usr/bin:/bin", "HOME": str(Path.home())}


def _start(checkout: Path, run: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WORKER, str(run)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=_environment(checkout),
        cwd=checkout,
    )


def _compare(builds: list[subprocess.Popen[str]], repeats: int) -> str:
    for build in builds:
        _seconds(build)
    seconds: list[list[float]] = [[], []]
    for turn in range(repeats):
        for index in (0, 1)[:: 1 if turn % 2 == 0 else -1]:
            seconds[index].append(_seconds(builds[index]))
    ours = statistics.median(seconds[0])
    other = statistics.median(seconds[1])
    ratio = timing.spread(timing.ratios(*seconds), ".3f")
    return f"{ours:.1f} against {other:.1f} s, ratio {ratio}"


def _seconds(build: subprocess.Popen[str]) -> float:
    write, read = _pipes(build)
    write.write("\n")
    write.flush()
    line = read.readline()
    if not line:
        sys.exit("evaluation ended with an error: run `python -m clinimcl.evaluate` on the run for the reason")
    return float(json.loads(line))


def _pipes(build: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert build.stdin is not None and build.stdout is not None
    return build.stdin, build.stdout


if __name__ == "__main__":
    main()
