import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.profilers import SimpleProfiler
from torch.utils.data import DataLoader

from clinimcl.data.batches import ScoredBatch
from clinimcl.training import throughput
from clinimcl.training.throughput import SpeedMeter

WAIT, WORK, STALL = 0.08, 0.02, 0.5  # seconds: each batch comes, is learned from; the first of an epoch comes


class Clock:
    """Time that passes where something sleeps alone, on machines of any speed."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(throughput, "time", CLOCK)


CLOCK = Clock()


class Slow(torch.utils.data.Dataset):
    def __init__(self, batches, first, each):
        self.batches, self.first, self.each = batches, first, each

    def __len__(self):
        return self.batches

    def __getitem__(self, number):
        CLOCK.sleep(self.each if number else self.first)
        return ScoredBatch(torch.rand(2, 1, 8, 8, 8), torch.rand(2), torch.arange(2))


class Worker(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(512, 1)

    def training_step(self, batch, batch_idx):
        CLOCK.sleep(WORK)
        return self.layer(batch.volume.flatten(1)).square().mean()

    def validation_step(self, batch, batch_idx):
        pass

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)


def measured(folder, slow, epochs, **settings):
    meter = SpeedMeter()
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    quiet |= {"accelerator": "cpu", "default_root_dir": folder, "callbacks": [meter]}
    validation = DataLoader(Slow(1, STALL, 0.0), batch_size=None)  # whose wait is none of a step
    run = pl.Trainer(max_epochs=epochs, num_sanity_val_steps=0, **quiet, **settings)
    run.fit(Worker(), DataLoader(slow, batch_size=None), validation)
    return meter.measured()


def test_the_speed_meter_tells_how_long_a_step_waited_for_its_batch(tmp_path):
    found = measured(tmp_path, Slow(7, WAIT, WAIT), epochs=1)
    assert found["seconds a step"] == pytest.approx(WAIT + WORK)
    assert found["waiting for data (% of a step)"] == pytest.approx(80)


def test_the_wait_for_the_first_batch_of_each_epoch_counts(tmp_path):
    found = measured(tmp_path, Slow(4, STALL, 0.0), epochs=2)
    assert found["seconds a step"] == pytest.approx(WORK)
    assert found["waiting for data (% of a step)"] == pytest.approx(100 * STALL / (STALL + 5 * WORK))


def test_a_profiler_of_the_user_is_left_alone_and_no_wait_told(tmp_path):
    found = measured(tmp_path, Slow(5, 0.0, 0.0), epochs=1, profiler=SimpleProfiler())
    assert found["seconds a step"] == pytest.approx(WORK)
    assert "waiting for data (% of a step)" not in found
