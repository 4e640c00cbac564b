"""python benchmarks/epoch.py: an epoch of the paper, data included, beside the loop that its code describes.

88 steps of 8 pairs, the paper's encoder, InfoNCE, AdamW. The loop runs in float32 over 64 tensor files (crops at 1 mm,
float32, each of another size): every scan is loaded, min–max scaled and stretched to 96³ at every draw, by the process
that trains. Ours trains by Lightning, with the settings of `experiment=oasis_infonce_paper`, in bf16 on a GPU and where
the CPU has it, on the same 64 scans, prepared once (which is not counted). Both sides read from a warm page cache, and
freed memory is kept by the process. They take turns, 12 steps of ours and 3 of the loop at a time on a CPU, scaled to
88; beside them our step on tensors that are already there. With `--device cuda` ours holds the scans on the GPU and
does all 88 steps.
"""

import argparse
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import timing
import torch
from hydra import compose, initialize_config_dir
from lightning.pytorch.callbacks import Callback, LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger
from omegaconf import OmegaConf
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from clinimcl import memory
from clinimcl.config.building import build, settings
from clinimcl.config.settings import TrainSettings
from clinimcl.data.batches import PairBatch
from clinimcl.data.datamodule import PairDataset
from clinimcl.data.sampling import PairSampler, Sessions, Turn
from clinimcl.data.volumes import Volumes
from clinimcl.encoders.cnn3d_paper import CNN3dPaper
from clinimcl.encoders.projector import Projector
from clinimcl.losses.info_nce import InfoNCE
from clinimcl.preparation.store.store import Store
from clinimcl.runs import components
from clinimcl.training.checkpointing import ChanceOfStep

SUBJECTS, SIDE, PAIRS, STEPS = 32, 96, 8, 88
DUMMIES = 4  # steps a turn
SHORTEST, LONGEST = (150, 200, 190), (176, 240, 240)  # voxels a side: heads at 1 mm
LOSS = 0.01  # share by which the losses of one batch may differ
GOALS = "goal at least 6 times as fast, aim 12; at most 1.2 of the step on tensors that are there"


def main() -> None:
    arguments = _arguments()
    memory.keep_freed()
    components.hush()
    device = timing.device(arguments.device)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = _write(folder)
        print(f"{len(table)} scans on {device}, {torch.get_num_threads()} threads; {timing.load()} before")
        given = _settings(device)
        plain = Plain(folder, device)
        ours, loader = components.module(given), _loader(given, table, folder, device)
        _compare(plain, ours, given, loader)
        turns = Turns(plain, _dummy_step(components.module(given).to(device), given, loader, device), device)
        _trainer(given, folder, arguments.repeats, turns).fit(ours, loader)
        _tell(turns)
        print(_roofline(turns, given, device))
    print(f"{timing.load()} after")


def _write(folder: Path) -> pd.DataFrame:
    """The tensor files, and the store with the same scans as they are prepared: stretched and scaled once."""
    draw, store, rows = np.random.default_rng(0), Store(folder / "store"), []
    for number in range(2 * SUBJECTS):
        torch.manual_seed(number)
        scan = torch.rand(1, *(int(side) for side in draw.integers(SHORTEST, LONGEST))) * 6 - 2
        torch.save(scan, folder / f"{number}.pt")
        prepared = _stretched(scan)[0].half().numpy()
        rows.append((number // 2, number % 2, number, f"{number:032x}", store.put(f"{number:032x}", prepared)))
    return pd.DataFrame(rows, columns=["subject", "session", "day", "key", "checksum"])


def _stretched(scan: Tensor) -> Tensor:
    scaled = (scan - scan.min()) / (scan.max() - scan.min())
    return functional.interpolate(scaled[None], (SIDE, SIDE, SIDE), mode="trilinear", align_corners=False)[0]


class Plain:
    """The loop, as one writes it; its steps go on from run to run."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self._folder, self._device = folder, device
        self._draw = np.random.default_rng(1)
        self.encoder = CNN3dPaper([16, 32, 64, 128], embedding=256)
        self.encoder.blocks[0] = nn.MaxPool3d(2)
        self.encoder.to(device, memory_format=torch.contiguous_format)
        self.projector = Projector(256, hidden=256, projection=128).to(device)
        self._objective = InfoNCE(temperature=0.07, symmetric=False)
        parameters = [*self.encoder.parameters(), *self.projector.parameters()]
        self._optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=1e-4)

    def loss(self, subjects: list[int], sessions: list[int]) -> Tensor:
        """`sessions` of the anchors; their positives are the other ones."""
        rows = [2 * one + session for one, session in zip(subjects, sessions, strict=True)]
        rows += [2 * one + 1 - session for one, session in zip(subjects, sessions, strict=True)]
        scans = torch.stack([_stretched(torch.load(self._folder / f"{row}.pt")) for row in rows]).to(self._device)
        projection = self.projector(self.encoder(scans)).reshape(2, len(subjects), -1)
        return self._objective(*projection, torch.tensor(subjects, device=self._device)).mean()

    def run(self, steps: int) -> None:
        for _ in range(steps):
            subjects = self._draw.choice(SUBJECTS, PAIRS, replace=False).tolist()
            self._optimizer.zero_grad()
            self.loss(subjects, self._draw.integers(2, size=PAIRS).tolist()).backward()
            self._optimizer.step()


class Turns(Callback):
    """Seconds a step of ours, which is an epoch of a training, and of the others, which run between two epochs."""

    def __init__(self, plain: Plain, dummy: timing.Run, device: torch.device) -> None:
        self._runs = {"plain": partial(plain.run, 3), "dummy": dummy}
        self._steps = {"plain": 3, "dummy": 1}
        self._device = device
        self._began = 0.0
        self.seconds: dict[str, list[float]] = {"ours": [], "plain": [], "dummy": []}

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._began = self._now()

    def _now(self) -> float:
        timing.wait_for(self._device)
        return time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.seconds["ours"].append((self._now() - self._began) / trainer.num_training_batches)
        for name in sorted(self._runs, reverse=trainer.current_epoch % 2 == 0):
            times = DUMMIES if name == "dummy" else 1
            self.seconds[name].append(timing.timed(self._runs[name], self._device, times) / self._steps[name])


def _settings(device: torch.device) -> TrainSettings:
    """Of the paper's experiment, at what is fastest here."""
    cuda = device.type == "cuda"
    overrides = [
        *("experiment=oasis_infonce_paper", "cohort.root=unused", "run=unused", "optimizer.fused=true"),
        *("pretrain.subject_share=1", f"pretrain.pairs_per_epoch={(STEPS if cuda else 12) * PAIRS}"),
        *(["trainer=a100", "loading.place=device"] if cuda else []),
        *(["trainer=cpu_bf16"] if not cuda and timing.has_bf16(device) else []),
    ]
    with initialize_config_dir(str(Path(__file__).parents[1] / "conf"), version_base="1.3"):
        node: Any = OmegaConf.to_container(compose("train", overrides), resolve=True)
    return settings(TrainSettings, {name: node[name] for name in TrainSettings.__dataclass_fields__})


def _loader(given: TrainSettings, table: pd.DataFrame, folder: Path, device: torch.device) -> DataLoader:
    volumes, loading = Volumes(table, Store(folder / "store"), None), build(given.loading)
    if loading.place == "device":
        volumes.hold(device)
    return loading.loader(
        PairDataset(volumes, table), PAIRS, PairSampler(Sessions(table), build(given.pretrain), Turn())
    )


def _trainer(given: TrainSettings, folder: Path, repeats: int, turns: Turns) -> pl.Trainer:
    callbacks = [ChanceOfStep(given.seed), LearningRateMonitor("step"), turns]
    quiet = {"enable_progress_bar": False, "enable_checkpointing": False, "logger": CSVLogger(folder)}
    node = given.trainer | {"max_epochs": 1 + repeats}
    return components.trainer_with(node, quiet | {"callbacks": callbacks, "default_root_dir": folder})


def _dummy_step(
    module: components.Pretraining, given: TrainSettings, loader: DataLoader, device: torch.device
) -> timing.Run:
    """Without Lightning and without data."""
    batch = PairBatch(*(part.to(device) for part in next(iter(loader))))
    module.log = lambda *_, **__: None  # type: ignore[method-assign]  # which needs a trainer
    optimizer = build(given.optimizer)(module.parameters())

    def step() -> None:
        with _precision(given, device):
            loss = module.training_step(batch, 0)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), given.trainer["gradient_clip_val"])
        optimizer.step()
        optimizer.zero_grad()

    return step


def _precision(given: TrainSettings, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=_is_bf16(given))


def _is_bf16(given: TrainSettings) -> bool:
    return given.trainer["precision"] == "bf16-mixed"


def _compare(plain: Plain, ours: components.Pretraining, given: TrainSettings, loader: DataLoader) -> None:
    """The same weights on the same scans: once as stored and in our precision, once from the files and in float32."""
    device = next(plain.encoder.parameters()).device
    plain.encoder.load_state_dict(ours.encoder.state_dict())
    plain.projector.load_state_dict(ours.projector.state_dict())
    batch = PairBatch(*(part.to(device) for part in next(iter(loader))))
    anchors = [0 if interval > 0 else 1 for interval in batch.interval]
    ours.to(device)
    ours.log = lambda *_, **__: None
    with torch.no_grad(), _precision(given, device):
        own = float(ours.training_step(batch, 0))
    del ours.log
    with torch.no_grad():
        other = float(plain.loss(batch.subject.tolist(), anchors))
    assert abs(own - other) <= LOSS * other, f"the losses differ: {own} and {other}"
    print(f"the loss of one batch: {own:.4f} ours, {other:.4f} of the plain loop, at most {LOSS:.0%} apart")


def _tell(turns: Turns) -> None:
    """The first turn is not counted: memory is taken, kernels are chosen."""
    seconds = {name: own[1:] for name, own in turns.seconds.items()}
    names = {"ours": "clinimcl", "plain": "the plain loop", "dummy": "our step on tensors that are there"}
    for name, said in names.items():
        print(f"{said}: {timing.spread([STEPS * own for own in seconds[name]], '.2f')} s an epoch of {STEPS} steps")
    faster, slower = timing.ratios(seconds["plain"], seconds["ours"]), timing.ratios(seconds["ours"], seconds["dummy"])
    print(f"{timing.spread(faster)} times as fast as the plain loop, {timing.spread(slower)} of the step; {GOALS}")


def _roofline(turns: Turns, given: TrainSettings, device: torch.device) -> str:
    with FlopCounterMode(display=False) as counted:
        turns._runs["dummy"]()
    side = 8192 if device.type == "cuda" else 2048
    square = torch.rand(side, side, device=device, dtype=torch.bfloat16 if _is_bf16(given) else torch.float32)
    (product,) = timing.in_turns([partial(torch.matmul, square, square)], 5, device, least=0.1)
    peak = 2 * side**3 / statistics.median(product)
    least, epoch = STEPS * counted.get_total_flops() / peak, STEPS * statistics.median(turns.seconds["ours"][1:])
    goal = ", goal at most 1 s, aim 0.25 s" if device.type == "cuda" else ""
    rate = f"{peak / 1e12:.2f} TFLOP/s of a matrix product of {side}², {square.dtype}"
    return f"{epoch:.2f} s an epoch{goal}; its products alone, at {rate}: {least:.2f} s, {least / epoch:.0%} of it"


def _arguments() -> argparse.Namespace:
    return timing.on_devices(timing.options(__doc__)).parse_args()


if __name__ == "__main__":
    main()
