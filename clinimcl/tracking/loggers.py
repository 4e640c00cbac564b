"""Where the numbers of a run are logged, and what must never be among them unless the user asks for it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from lightning.pytorch.loggers import CSVLogger, Logger, WandbLogger

from clinimcl.cohorts.change import CHANGES
from clinimcl.config.building import build
from clinimcl.config.settings import Node, TrainSettings
from clinimcl.errors import UserError
from clinimcl.evaluation.contrastive import trajectories
from clinimcl.evaluation.drawing.mosaics import mosaic_figure, pairs_figure
from clinimcl.evaluation.groups.writing import gap_table, value_table
from clinimcl.evaluation.report import report
from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.pseudonyms import keyed, read_key

PRIVATE = {
    *("root", "run", "store", "clinical", "demographics", "mask", "bids", "ckpt_path", "address", "key"),
    *("overrides", "sweep", "cache", "mirror", "weights", "account", "partition"),
}
SHAREABLE = ("subjects", "images")


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


def log_evaluation(loggers: list[Logger], evaluated: report.Reported) -> None:
    """The held-out metrics, as `test/<name>`, with the ends of their intervals, and what chance reaches.

    The chance level of a curve is logged at the curve's first and last step: a level line beside it.
    """
    levels = {f"test/{name}{end}": value for name, own in evaluated.metrics.items() for end, value in _levels(own)}
    for logger in loggers:
        logger.log_metrics(levels)
        if not isinstance(logger, CSVLogger):  # metrics.csv is what the curves are read from
            _log_chances(logger, evaluated.record)
        if isinstance(logger, WandbLogger) and evaluated.change is not None:
            logger.log_table("confusion", ["measured", "answered", "answers"], _cells(evaluated.change.confusion))
        if isinstance(logger, WandbLogger) and evaluated.groups is not None:
            logger.log_table("groups", *gap_table(evaluated.groups))
            logger.log_table("group_values", *value_table(evaluated.groups))
        logger.save()


def _levels(metric: Metric) -> Iterator[tuple[str, float]]:
    """The value and what stands beside it, by the end of its name."""
    beside = {"": metric.value, "_low": metric.low, "_high": metric.high, "_chance": metric.chance}
    return ((end, value) for end, value in beside.items() if value is not None)


def _log_chances(logger: Logger, record: report.RunRecord) -> None:
    for name, chance in record.chances.items():
        if name in record.curves:
            steps = record.curves.loc[record.curves[name].notna(), "step"]
            for step in sorted({int(steps.min()), int(steps.max())}):
                logger.log_metrics({f"{name}_chance": chance}, step)


def _cells(confusion: Int[np.ndarray, "3 3"]) -> list[list[Any]]:
    """Numbers of answers, a row a pair of classes; they name nobody."""
    return [
        [truth, answer, int(confusion[row, column])]
        for row, truth in enumerate(CHANGES)
        for column, answer in enumerate(CHANGES)
    ]


def check_share(node: Node) -> None:
    """
    Raises:
        UserError: something unknown is to be shared, or subjects without a key for their pseudonyms.
    """
    unknown = [name for name in node.get("share", []) if name not in SHAREABLE]
    if unknown:
        raise UserError(f"logger.share may hold {' and '.join(SHAREABLE)}, got {', '.join(map(str, unknown))}")
    if node.get("share") and node["key"] is None:
        raise UserError(
            "logger.share needs logger.key=FILE, a secret that turns subject ids into pseudonyms; "
            "the file is made where there is none"
        )


def share(loggers: list[Logger], node: Node, evaluated: report.Reported) -> None:
    """Send what `logger.share` names to W&B, subjects under pseudonyms that need the key.

    `subjects`: a row a held-out subject with the distance of its consecutive sessions, and the trajectories of some.
    `images`: the mosaics of prepared scans.
    """
    import wandb

    wanted = node.get("share", [])
    experiments = [logger.experiment for logger in loggers if isinstance(logger, WandbLogger)]
    if not wanted or not experiments:
        return
    names = keyed(evaluated.embedded.scans["subject"].unique(), read_key(Path(node["key"])))
    sent: dict[str, Any] = {}
    if "subjects" in wanted and evaluated.evaluation is not None:
        spread = evaluated.evaluation.spread
        rows: list[Any] = [[names[str(subject)], float(value)] for subject, value in spread.items()]
        sent["subjects"] = wandb.Table(["subject", "longitudinal_distance"], rows)
        sent["trajectories"] = wandb.Table(["subject", "years", "x", "y"], _steps(evaluated, names))
    if "images" in wanted:
        scans, pairs = report.pictured(evaluated.embedded.scans, evaluated.record.volumes, names)
        if scans:
            sent["scans"] = wandb.Image(mosaic_figure([volume for _, volume in scans], [name for name, _ in scans]))
        if pairs:
            sent["pairs"] = wandb.Image(pairs_figure([pair for _, pair in pairs], [name for name, _ in pairs]))
    for experiment in experiments:
        experiment.log(sent)


def _steps(evaluated: report.Reported, names: dict[str, str]) -> list[Any]:
    """Pseudonym, years since the first session, and place in the plane, a row a session."""
    assert evaluated.evaluation is not None
    places = next((by for name, by in evaluated.evaluation.projections.items() if name.endswith("2-D")), None)
    if places is None:
        return []
    place = places[evaluated.embedded.best]
    shown = trajectories.trajectories(evaluated.embedded.table("test"), names)
    return [
        [path.name, float(years), *(float(value) for value in place[row])]
        for path in shown
        for row, years in zip(path.rows, path.years, strict=True)
    ]


def _wandb(node: dict[str, Any], settings: TrainSettings, folder: Path) -> Logger:
    """No host name, path, code or console text goes along."""
    import wandb

    try:
        offline = os.environ.get("WANDB_MODE") == "offline" or not wandb.login(prompt=False)
    except wandb.errors.Error as error:
        raise UserError(
            f"logger=wandb: the key is refused or W&B cannot be reached ({error}): mend WANDB_API_KEY, or set "
            "WANDB_MODE=offline and run `wandb sync` later"
        ) from error
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
