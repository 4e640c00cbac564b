"""python benchmarks/builds.py CHECKOUT: preparation by this build and by another checkout's, in turns.

One scan or loop a turn, each build in a process of its own that stays: CPU seconds of reading the file, preparing it
and writing its array. Scans are those of `preparation.py`; loops are its middle slices, moving, in H.264. It is no part
of `make bench`, as it needs a second checkout, such as `git worktree add ../before 49ccc67`.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import av
import nibabel as nib
import numpy as np
import preparation
import timing

HERE = Path(__file__).resolve().parents[1]
FRAMES, RATE = 120, 25
WORKER = """
import json, sys, tempfile, time
from pathlib import Path
from clinimcl import memory
from clinimcl.preparation.clips import Clips
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.prepare import Source, prepare_scan
try:
    from clinimcl.preparation.store.store import Store
except ImportError:  # a build whose rooms were others
    from clinimcl.preparation.store import Store
memory.keep_freed()
volumes = FieldOfView(grid=96, spacing=None, field_of_view=224.0, percentile=99.5, align="none")
clips = Clips(frames=8, side=224, crop=True)
for line in sys.stdin:
    path = line.rstrip("\\n")
    with tempfile.TemporaryDirectory() as folder:
        pipeline = clips if path.endswith(".mp4") else volumes
        start = time.process_time()
        record, _ = prepare_scan(pipeline, Store(Path(folder)), None, Source(path, "", "0"))
        print(json.dumps([time.process_time() - start, record.reason]), flush=True)
"""


def main() -> None:
    parser = timing.options(__doc__)
    parser.add_argument("checkout", type=Path, help="folder of the other build")
    arguments = parser.parse_args()
    builds = [_start(HERE), _start(arguments.checkout.resolve())]
    with tempfile.TemporaryDirectory() as name:
        paths = [preparation.write_scan(Path(name), spacing) for spacing in preparation.SPACINGS]
        for path in [*paths, write_loop(Path(name), paths[0])]:
            print(f"{path.name}: {_compare(builds, path, arguments.repeats)}")
    print(timing.load())


def write_loop(folder: Path, scan: Path) -> Path:
    """The slices of a scan around its middle, back and forth, as a loop of 256 × 176 pixels."""
    voxels = np.asarray(nib.load(scan).dataobj)
    slices = (voxels / voxels.max() * 255).astype(np.uint8).swapaxes(0, 2)
    path = folder / "loop.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = *slices.shape[1:], "yuv420p"
        for index in range(FRAMES):
            level = len(slices) // 2 + abs(index % 40 - 20)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(slices[level]), format="gray")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())
    return path


def _start(checkout: Path) -> subprocess.Popen[str]:
    environment = {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-W", "ignore", "-c", WORKER]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=checkout
    )


def _compare(builds: list[subprocess.Popen[str]], path: Path, repeats: int) -> str:
    for build in builds:
        _seconds(build, path)
    seconds: list[list[float]] = [[], []]
    for turn in range(repeats):
        for index in (0, 1)[:: 1 if turn % 2 == 0 else -1]:
            seconds[index].append(_seconds(builds[index], path))
    ours, other = map(statistics.median, seconds)
    least = min(seconds[0]) / min(seconds[1])
    ratio = timing.spread(timing.ratios(*seconds), ".3f")
    return f"{1000 * ours:.1f} against {1000 * other:.1f} ms of CPU, ratio {ratio}, of the least {least:.3f}"


def _seconds(build: subprocess.Popen[str], path: Path) -> float:
    write, read = _pipes(build)
    write.write(f"{path}\n")
    write.flush()
    seconds, reason = json.loads(read.readline())
    if reason:
        sys.exit(f"{path.name} cannot be prepared: {reason}")
    return float(seconds)


def _pipes(build: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert build.stdin is not None and build.stdout is not None
    return build.stdin, build.stdout


if __name__ == "__main__":
    main()
