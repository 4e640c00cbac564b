"""Where the numbers of a run are logged, and what must never be among them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger, Logger

from clinimcl.building import build
from clinimcl.evaluation.measure import Evaluation
from clinimcl.settings import TrainSettings

PRIVATE = {"root", "run", "store", "clinical", "demographics", "mask", "bids", "ckpt_path", "address"}


@contextmanager
def loggers(settings: TrainSettings, folder: Path) -> Iterator[list[Logger]]:
    """`metrics.csv` always, and the one that `logger=` names; W&B is offline without a key, and finished at the end."""
    csv, node = CSVLogger(folder, name="", version=""), settings.logger.get("extra")
    if node is None:
        yield [csv]
    elif node["_target_"].endswith("WandbLogger"):
        import wandb

        try:
            yield [csv, _wandb(node, settings, folder)]
        finally:
            wandb.finish()  # or the next job of a sweep would join this run
    else:
        yield [csv, build(node, "logger.extra")(save_dir=folder)]


def log_evaluation(loggers: list[Logger], evaluation: Evaluation) -> None:
    """The held-out metrics, as `test/<name>`."""
    for logger in loggers:
        logger.log_metrics({f"test/{name}": metric.value for name, metric in evaluation.metrics.items()})
        logger.save()


def _wandb(node: dict[str, Any], settings: TrainSettings, folder: Path) -> Logger:
    """No host name, path, code or console text goes along."""
    import wandb

    offline = not wandb.login(prompt=False)
    private = wandb.Settings(
        mode="offline" if offline else "online",
        console="off",
        disable_code=True,
        disable_git=True,
        host="-",
        x_disable_machine_info=True,
        x_disable_stats=True,
    )
    make = build(node, "logger.extra")
    logger = make(save_dir=folder, offline=offline, log_model=False, settings=private)
    logger.experiment.config.update(shareable(asdict(settings)))
    return logger


def shareable(configuration: dict[str, Any]) -> dict[str, Any]:
    """The configuration without what tells where data lie or whose they are: paths, roots, stores."""
    return {
        name: shareable(value) if isinstance(value, dict) else value
        for name, value in configuration.items()
        if not (isinstance(value, str) and os.sep in value) and name not in PRIVATE
    }
