import time

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader

from clinimcl.data.batches import ScoredBatch
from clinimcl.modules.speed import SpeedMeter

WAIT, WORK = 0.08, 0.02  # seconds a batch takes to come, and to be learned from


class Slow(torch.utils.data.IterableDataset):
    def __iter__(self):
        for _ in range(7):
            time.sleep(WAIT)
            yield ScoredBatch(torch.rand(2, 1, 8, 8, 8), torch.rand(2), torch.arange(2))


class Worker(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(512, 1)

    def training_step(self, batch, batch_idx):
        time.sleep(WORK)
        return self.layer(batch.volume.flatten(1)).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)


def test_the_speed_meter_tells_how_long_a_step_waited_for_its_batch(tmp_path):
    meter = SpeedMeter()
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    run = pl.Trainer(max_epochs=1, accelerator="cpu", default_root_dir=tmp_path, callbacks=[meter], **quiet)
    run.fit(Worker(), DataLoader(Slow(), batch_size=None))
    measured = meter.measured()
    assert measured["seconds a step"] >= WAIT + WORK
    assert 50 <= measured["waiting for data (% of a step)"] <= 85  # 80, were the machine not busy
