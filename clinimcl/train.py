"""`python -m clinimcl.train experiment=oasis_infonce cohort.root=DIR`: prepare, train, evaluate, report."""

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

    from clinimcl import evaluate, experiment, tracking
    from clinimcl.modules import checkpoints
    from clinimcl.modules.speed import SpeedMeter

    folder = Path(settings.run)
    experiment.hush()
    pl.seed_everything(settings.seed, verbose=False)
    module = experiment.module(settings)
    if settings.ckpt_path is not None:
        checkpoints.read(Path(settings.ckpt_path))
    datamodule = experiment.datamodule(settings)
    datamodule.prepare_data()
    datamodule.setup()
    print(datamodule.tally)
    speed = SpeedMeter()
    with tracking.loggers(settings, folder) as loggers:
        trainer = experiment.trainer(settings, folder, loggers, speed)
        trainer.fit(module, datamodule, ckpt_path=settings.ckpt_path, weights_only=True)
        evaluation = evaluate.evaluate_run(settings, folder, datamodule, speed.measured())
        tracking.log_evaluation(loggers, evaluation)
    print(f"report: {folder / 'report.html'}")
    headline = evaluation.metrics.get("retrieval_top1")
    return headline.value if headline else None


def main() -> None:
    launch(train, TrainSettings, "train")


if __name__ == "__main__":
    main()
