import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader

from clinimcl.modules.keep import RememberBest


class Counting(pl.LightningModule):
    """A weight that rises by one an epoch, and a logged value that is highest in the second and third."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch, batch_idx):
        with torch.no_grad():
            self.weight += 1
        return 0 * self.weight.sum()

    def validation_step(self, batch, batch_idx):
        self.log("value", {0.0: 99.0, 1.0: 1.0, 2.0: 5.0, 3.0: 5.0, 4.0: 2.0}[self.weight.item()])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)


def test_the_first_of_the_best_epochs_is_remembered_and_the_sanity_check_is_not(tmp_path):
    best, data = RememberBest("value"), DataLoader([0.0])
    trainer = pl.Trainer(
        max_epochs=4,
        accelerator="cpu",
        callbacks=[best],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(Counting(), data, data)
    assert best.state["weight"].item() == 2
