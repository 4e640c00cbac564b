"""`python -m clinimcl.train experiment=oasis_infonce cohort.root=DIR`: prepare, train, evaluate, report."""

import signal
import sys
from dataclasses import asdict
from pathlib import Path

from clinimcl.launching import launch
from clinimcl.settings import TrainSettings


def train(settings: TrainSettings) -> float | None:
    """Run the experiment; return its headline, `retrieval_top1` on held-out subjects (None where it has none)."""
    from clinimcl.run_folder import recorded

    with recorded(Path(settings.run), asdict(settings)):
        return _train(settings)


def _train(settings: TrainSettings) -> float | None:
    import lightning.pytorch as pl
    from lightning.pytorch.utilities.exceptions import SIGTERMException

    from clinimcl import evaluate, experiment, tracking
    from clinimcl.cohorts import splits
    from clinimcl.evaluation.files import write_json
    from clinimcl.modules import checkpoints
    from clinimcl.modules.speed import SpeedMeter
    from clinimcl.preparation.prepare import TooManySetAside

    folder = Path(settings.run)
    experiment.hush()
    pl.seed_everything(settings.seed, verbose=False)
    module = experiment.module(settings)
    datamodule = experiment.datamodule(settings)
    try:
        datamodule.prepare_data()
    except TooManySetAside as error:
        print(error.tally)
        raise
    assert datamodule.prepared is not None
    print(datamodule.prepared.tally)
    datamodule.setup()
    if settings.ckpt_path is not None:
        checkpoints.read(Path(settings.ckpt_path))
        experiment.check_splits(Path(settings.ckpt_path).parents[1], datamodule.scans)
    write_json(splits.sides(datamodule.scans), folder / "splits.json")
    speed = SpeedMeter()
    with tracking.loggers(settings, folder) as loggers:
        trainer = experiment.trainer(settings, folder, loggers, speed)
        try:
            trainer.fit(module, datamodule, ckpt_path=settings.ckpt_path, weights_only=True)
        except SIGTERMException:
            sys.exit(128 + signal.SIGTERM)  # Lightning's own would exit with 0, as if the run were done
        write_json(speed.measured(), folder / "speed.json")
        reported = evaluate.evaluate_run(settings, folder, datamodule)
        tracking.log_evaluation(loggers, reported.evaluation)
        tracking.share(loggers, settings.logger, reported)
    print(f"report: {folder / 'report.html'}")
    headline = reported.evaluation.metrics.get("retrieval_top1")
    return headline.value if headline else None


def main() -> None:
    launch(train, TrainSettings, "train")


if __name__ == "__main__":
    main()
