"""python benchmarks/predict.py: two `.nii.gz` of 176 × 256 × 256 to an answer, beside MONAI's chain and eager torch.

Ours as `clinimcl.predict` does it: verified gunzip, cube of 96³, encoder and classifier in onnxruntime, both scans at
once on all cores. Beside it MONAI's chain and the same encoder in torch, one scan after the other, torch on all cores.
Files come from a warm page cache. Then a process of its own: time to the answer, memory, the page.
"""

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import preparation
import timing
import torch
from threadpoolctl import threadpool_limits
from untrained import export_untrained, networks

from clinimcl.encoders.change_classifier import ChangeClassifier
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.inference.input_scans import given_pair
from clinimcl.inference.model import Model, settle
from clinimcl.inference.prediction import answer, ask

FLOOR, MOST_MS, MOST_MIB, MOST_COLD, MOST_PAGE = 10, 90, 700, 3, 30
PAGES = 1  # drawn by that many of the processes


def main() -> None:
    repeats = timing.options(__doc__).parse_args().repeats
    encoder = CNN3d(grid=preparation.GRID, channels=[16, 32, 64, 128, 128], groups=8, embedding=256)
    classifier = ChangeClassifier(256, combine="difference", hidden=[128], dropout=0.0)
    print(f"two scans to an answer, {timing.load()}")
    settle()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        folder.mkdir()
        for spacing in preparation.SPACINGS:
            pair = [preparation.write_scan(Path(name), spacing, seed) for seed in (0, 1)]
            if not (folder / "card.json").is_file():
                cubes = [preparation.PIPELINE.prepare(_decoded(path)) for path in pair]
                export_untrained(folder, networks(encoder, classifier), preparation.PIPELINE, cubes)
                model = Model(folder)
            ways = [partial(by_clinimcl, model, pair), partial(by_torch, encoder, classifier, pair)]
            ours, peer = ([each / 2 for each in own] for own in timing.in_turns(ways, repeats))
            print(
                f"\n{pair[0].name}: {timing.spread([1000 * each for each in ours], '.1f')} ms a scan, floor {MOST_MS}"
            )
            print(f"  MONAI's chain and torch: {timing.spread([1000 * each for each in peer], '.1f')} ms a scan")
            print(f"  ratio {timing.spread(timing.ratios(peer, ours), '.1f')}, floor {FLOOR}")
        _alone(folder, pair, Path(name) / "answer", repeats)
    print(f"\n{timing.load()}")


def by_clinimcl(model: Model, pair: list[Path]) -> object:
    earlier, later = (str(path) for path in pair)
    return answer(model, ask(model, *given_pair(earlier, later, model.pipeline, model.parts.input)))


@torch.inference_mode()
def by_torch(encoder: CNN3d, classifier: ChangeClassifier, pair: list[Path]) -> object:
    with threadpool_limits(os.cpu_count()):  # whatever ours has set for itself
        cubes = torch.stack([torch.from_numpy(preparation.by_monai(path)) for path in pair])[:, None]
        first, second = encoder(cubes)[:, None]
        return classifier(first, second).softmax(dim=1), classifier(second, first).softmax(dim=1)


def _decoded(path: Path) -> object:
    from clinimcl.preparation.formats.decoding import decode

    return decode(str(path), [path.read_bytes()])


def _alone(folder: Path, pair: list[Path], out: Path, repeats: int) -> None:
    """A process from its start: to the printed answer, then to the page, which the first draws; and its memory."""
    command = [sys.executable, "-c", MEASURED, f"model={folder}", f"earlier={pair[0]}", f"later={pair[1]}"]
    answered, paged = [], []
    mib: dict[str, list[int]] = {"false": [], "true": []}
    for turn in range(repeats):
        page = "true" if turn < PAGES else "false"
        start = time.perf_counter()
        with subprocess.Popen([*command, f"out={out}", f"page={page}"], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and "%" in process.stdout.readline()
            answered.append(time.perf_counter() - start)
            mib[page].append(int(process.communicate()[0].splitlines()[-1]))
        assert process.returncode == 0
        paged += [time.perf_counter() - start] * (page == "true")
    print(f"\na process of its own: answer after {timing.spread(answered)} s, floor {MOST_COLD}")
    print(f"  page after {timing.spread(paged)} s, floor {MOST_PAGE}")
    for page, floor in (("false", f", floor {MOST_MIB}"), ("true", "")):
        if mib[page]:
            print(f"  peak memory with page={page}: {timing.spread(mib[page], '.0f')} MiB{floor}")


MEASURED = """
import re
from clinimcl.predict import main
main()
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""

if __name__ == "__main__":
    main()
