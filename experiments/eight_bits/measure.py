"""python experiments/eight_bits/measure.py RUN: what the store would lose, and gain, with voxels of 8 bits.

RUN is a run of contrastive pretraining; its held-out scans are embedded as they are stored (float16), and rounded to
256 levels. Then batches of 16 scans of 96³ are read from the page cache in both types and made float32, as a step does.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks import timing
from clinimcl import experiment, memory, stages
from clinimcl.data.longitudinal import LongitudinalDataModule
from clinimcl.evaluation.retrieval import (
    cosine_similarity,
    other_sessions,
    retrieval_difference,
    retrieval_metric,
    retrieve,
)
from clinimcl.run_folder import settings_of

SIDE, BATCH, BATCHES = 96, 16, 8
LEVELS = 255


def main() -> None:
    run = Path(sys.argv[1])
    settings = settings_of(run)
    datamodule = experiment.datamodule(settings)
    datamodule.setup()
    lost(stages.pretrained(settings, run).encoder.eval(), datamodule)
    gained()


@torch.inference_mode()
def lost(encoder: torch.nn.Module, datamodule: LongitudinalDataModule) -> None:
    """Of the test subjects' scans."""
    scans = datamodule.scans[datamodule.scans["split"] == "test"]
    stored = [batch.volume.float() for batch in datamodule.scan_dataloader(scans.index.tolist())]
    vectors = [
        torch.cat([encoder(volume) for volume in volumes]).numpy()
        for volumes in (stored, [(volume * LEVELS).round() / LEVELS for volume in stored])
    ]
    alike = torch.cosine_similarity(*map(torch.from_numpy, vectors)).numpy()
    between = cosine_similarity(vectors[0])[np.triu_indices(len(scans), 1)]
    print(f"cosine of a scan's two embeddings: lowest {alike.min():.7f}; of two scans: median {np.median(between):.4f}")
    positive, rng = other_sessions(scans), np.random.default_rng(0)
    queries = [retrieve(scans, cosine_similarity(own), positive) for own in vectors]
    for name, own in zip(("16 bits", "8 bits"), queries, strict=True):
        print(f"{name}: top-1 {retrieval_metric(own, 'top1', rng)}")
    print(f"8 bits - 16 bits, paired by subject: {retrieval_difference(queries[1], queries[0], rng)}")


def gained() -> None:
    memory.keep_freed()
    voxels = np.random.default_rng(0).random((BATCH, SIDE, SIDE, SIDE), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        runs = []
        for name, stored in (("16", voxels.astype(np.float16)), ("8", np.rint(voxels * LEVELS).astype(np.uint8))):
            path = Path(folder) / name
            path.write_bytes(stored.tobytes())
            runs += [reading(path, np.empty_like(stored), convert) for convert in (False, True)]
        seconds = timing.in_turns(runs, repeats=9)
    names = ("16 bits read", "16 bits read, made float32", "8 bits read", "8 bits read, made float32")
    for name, own in zip(names, seconds, strict=True):
        print(f"{name}: {BATCH * BATCHES / statistics.median(own):.0f} scans/s")
    for low, name in ((0, "read"), (1, "read and made float32")):
        print(f"8 bits / 16 bits, {name}: {timing.spread(timing.ratios(seconds[low], seconds[low + 2]))}")
    print(timing.load())


def reading(path: Path, into: np.ndarray, convert: bool) -> Callable[[], None]:
    def read() -> None:
        for _ in range(BATCHES):
            with path.open("rb", buffering=0) as file:
                file.readinto(into.data.cast("B"))
            if convert:
                volume = torch.from_numpy(into)
                _ = volume / LEVELS if into.dtype == np.uint8 else volume.float()  # a single pass in either case

    return read


if __name__ == "__main__":
    main()
