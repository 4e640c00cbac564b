import lightning.pytorch as pl
import pytest
import torch
from torch.utils.data import DataLoader

from clinimcl.training.optimization import optimization


class Counted(pl.LightningModule):
    """Asks for a schedule over seven batches an epoch."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch, batch_idx):
        return self.weight.sum()

    def configure_optimizers(self):
        return optimization(self, lambda parameters: torch.optim.SGD(parameters, lr=1.0), self._schedule)

    def _schedule(self, optimizer, total_steps):
        self.steps, self.loader = total_steps, self.trainer.train_dataloader
        return torch.optim.lr_scheduler.ConstantLR(optimizer)


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"limit_train_batches": 3},
        {"limit_train_batches": 0.5},
        {"accumulate_grad_batches": 2},
        {"max_steps": 5},
    ],
)
def test_a_schedule_gets_the_steps_that_the_training_takes_and_leaves_it_to_make_its_loader(limits):
    module = Counted()
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(max_epochs=2, accelerator="cpu", enable_model_summary=False, **quiet, **limits)
    trainer.fit(module, DataLoader(torch.zeros(7)))
    assert module.steps == trainer.global_step
    assert module.loader is None
