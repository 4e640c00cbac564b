"""A run from its cohort to its report: prepare, train, evaluate."""

import secrets
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from clinimcl import memory
from clinimcl.cohorts import splits
from clinimcl.config.settings import TrainSettings
from clinimcl.data.datamodule import LongitudinalDataModule
from clinimcl.evaluation.sweep.report import write_sweep
from clinimcl.preparation.prepare import TooManySetAside
from clinimcl.pseudonyms import shared_salt
from clinimcl.runs import components, evaluating, settings_diff, stages
from clinimcl.runs.costs import Costs
from clinimcl.runs.folder import continued, is_own, mirror_url, recorded
from clinimcl.storage.files import write_json
from clinimcl.tracking import loggers as tracking
from clinimcl.training import checkpoint_mirror, graceful_stop
from clinimcl.training.throughput import SpeedMeter


def train_run(settings: TrainSettings) -> float | None:
    """Train, evaluate and report, or go on where the run was interrupted; return its headline on held-out subjects.

    None where the headline could not be measured, and in a process that helps the first of those that train together.
    """
    components.hush()
    settings = continued(settings)
    changed = settings_diff.changes(settings)
    if components.helps(settings):
        stages.take_part(settings, Path(settings.run), _data(settings, told=False))
        return None
    if changed:
        print(changed)
    with graceful_stop.ends_when_told(), recorded(Path(settings.run), asdict(settings)) as begin:
        headline = _train(settings, begin)
    if settings.sweep is not None:
        write_sweep(Path(settings.sweep))
    return headline


def _data(settings: TrainSettings, told: bool) -> LongitudinalDataModule:
    """The cohort, prepared, with all that could be wrong with it or with the settings found before any training."""
    memory.keep_freed()
    components.check(settings)
    tracking.check_share(settings.logger)
    datamodule = components.datamodule(settings)
    try:
        datamodule.prepare_data()
    except TooManySetAside as error:
        print(error.tally)
        raise
    say = print if told else lambda _: None
    assert datamodule.prepared is not None
    say(datamodule.prepared.summary)
    datamodule.setup()
    say(splits.told(datamodule.scans))
    stages.check_pairs(settings, datamodule)
    if settings.ckpt_path is not None:
        components.check_splits(Path(settings.ckpt_path).parents[1], datamodule.scans)
    return datamodule


def _train(settings: TrainSettings, begin: Callable[[], None]) -> float | None:
    folder, costs = Path(settings.run), Costs()
    mirrors = [checkpoint_mirror.Mirror(folder, mirror_url(settings))] if settings.mirror else []
    for each in mirrors:
        each.check(may_replace=settings.sweep is not None or is_own(folder, settings.ckpt_path))
    with costs.stage("preparation"):
        datamodule = _data(settings, told=True)
    begin()
    write_json(asdict(splits.sides(datamodule.scans, _salt(settings))), folder / "splits.json")
    speed = SpeedMeter()
    with tracking.loggers(settings, folder) as loggers:
        with costs.stage("pretraining"):
            stages.pretrain(settings, folder, datamodule, stages.Watching(loggers, [speed, *mirrors]))
        write_json(speed.measured(), folder / "speed.json")
        print(f"speed: {speed}" if speed.measured() else "speed: too few steps to tell")
        scored = None
        if settings.change is not None:
            with costs.stage("classifier of health change"):
                scored = stages.classify(settings, folder, datamodule, loggers)
        costs.write(folder)
        for each in mirrors:
            each.finish(checkpoint_mirror.LAST)
        reported = evaluating.evaluate_run(settings, folder, datamodule, scored=scored)
        tracking.log_evaluation(loggers, reported)
        tracking.share(loggers, settings.logger, reported)
    print(f"report: {folder / 'report.html'}")
    return reported.headline


def _salt(settings: TrainSettings) -> str:
    """Of the digests of subjects: fresh, but one for the jobs of a sweep, which compares whom they tested."""
    return secrets.token_hex(8) if settings.sweep is None else shared_salt(Path(settings.sweep))
