"""python benchmarks/uploads.py: pairs of `.nii.gz` of 176 × 256 × 256 sent to `clinimcl.serve` all at once.

A server of its own for 10 pairs, for 50, and for 5 with pictures: how many are answered and refused, its peak memory,
which must not grow with the pairs that wait, and the files that it leaves. A client keeps asking until each has ended.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import preparation
import timing
from untrained import export_untrained, networks

from clinimcl.encoders.change_classifier import ChangeClassifier
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.inference.server.upload_folder import LOCK
from clinimcl.preparation.formats.decoding import decode

BOUNDARY = "a-line-that-no-scan-holds"
MOST_GROWTH = 1.1  # of the peak, from the fewer pairs to the more


class Server(NamedTuple):
    port: int
    process: int
    uploads: Path

    def memory(self, name: str) -> int:
        """MiB: `VmRSS` now, `VmHWM` at most so far."""
        status = Path(f"/proc/{self.process}/status").read_text("ascii")
        return int(re.findall(rf"{name}:\s+(\d+)", status)[0]) // 1024

    def left(self) -> int:
        return sum(path.is_file() and path.name != LOCK for path in self.uploads.rglob("*"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs=2, default=(10, 50), help="at once, without pictures")
    parser.add_argument("--pictured", type=int, default=5, help="pairs at once, with pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        pair = [preparation.write_scan(Path(name), preparation.SPACINGS[0], seed) for seed in (0, 1)]
        model = _model(Path(name), pair)
        print(f"pairs of {sum(path.stat().st_size for path in pair) / 2**20:.0f} MiB, {timing.load()}")
        few, many = (_measured(model, _body(pair, pictures=False), count) for count in options.pairs)
        print(f"peak of {options.pairs[1]} over {options.pairs[0]}: {many / few:.2f}, floor {MOST_GROWTH}")
        if options.pictured:
            _measured(model, _body(pair, pictures=True), options.pictured, "with pictures")
    print(timing.load())


def _measured(model: Path, body: bytes, count: int, how: str = "without pictures") -> int:
    """Tells what became of so many pairs; the server's peak in MiB."""
    with _served(model) as server, ThreadPoolExecutor(count) as pool:
        idle, start = server.memory("VmRSS"), time.perf_counter()
        ended = Counter(pool.map(partial(_ended, server), [body] * count))
        seconds, peak = time.perf_counter() - start, server.memory("VmHWM")
        print(
            f"{count} at once {how}: {ended['done']} answered, {ended['refused']} refused in {seconds:.0f} s; "
            f"idle {idle} MiB, peak {peak} MiB, then {server.memory('VmRSS')} MiB; {server.left()} files left"
        )
    return peak


@contextlib.contextmanager
def _served(model: Path) -> Iterator[Server]:
    """A server whose uploads lie in a folder of their own."""
    with tempfile.TemporaryDirectory() as uploads:
        command = [sys.executable, "-m", "clinimcl.serve", f"model={model}", "port=0"]
        environment = os.environ | {"TMPDIR": uploads}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            try:
                assert process.stdout is not None
                address = re.findall(r"http://[^:]+:(\d+)", process.stdout.readline())
                yield Server(int(address[0]), process.pid, Path(uploads))
            finally:
                process.terminate()


def _ended(server: Server, body: bytes) -> str:
    """Done, or refused: at once, or after the answers before."""
    told = _asked(server, "POST", "/pairs", body)
    while "job" in told:
        state = _asked(server, "GET", f"/pairs/{told['job']}")
        if state["state"] in ("done", "refused"):
            return str(state["state"])
        time.sleep(0.3)  # as the page does
    return "refused"


def _asked(server: Server, method: str, path: str, body: bytes | None = None) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"} if body else {}
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        return dict(json.loads(connection.getresponse().read()))


def _body(pair: list[Path], *, pictures: bool) -> bytes:
    """The upload of a browser."""
    parts = [b'name="pictures"\r\n\r\nyes'] if pictures else []
    for role, path in zip(("earlier", "later"), pair, strict=True):
        parts.append(f'name="{role}"; filename="{role}.nii.gz"\r\n\r\n'.encode() + path.read_bytes())
    form = b"".join(f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode() + part + b"\r\n" for part in parts)
    return form + f"--{BOUNDARY}--\r\n".encode()


def _model(folder: Path, pair: list[Path]) -> Path:
    encoder = CNN3d(grid=preparation.GRID, channels=[16, 32, 64, 128, 128], groups=8, embedding=256)
    classifier = ChangeClassifier(256, combine="difference", hidden=[128], dropout=0.0)
    cubes = [preparation.PIPELINE.prepare(decode(str(path), [path.read_bytes()])) for path in pair]
    (folder / "model").mkdir()
    export_untrained(folder / "model", networks(encoder, classifier), preparation.PIPELINE, cubes)
    return folder / "model"


if __name__ == "__main__":
    main()
