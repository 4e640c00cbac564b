"""`python -m clinimcl.train experiment=oasis_infonce cohort.root=DIR`: prepare, train, evaluate, report."""

from pathlib import Path
from typing import Any

from clinimcl.launching import launch


def train(configuration: dict[str, Any]) -> float | None:
    """Run the experiment; return its headline, `retrieval_top1` on held-out subjects (None where it has none)."""
    from clinimcl.run_folder import recorded

    with recorded(Path(configuration["run"]), configuration):
        return _train(configuration)


def _train(configuration: dict[str, Any]) -> float | None:
    import lightning.pytorch as pl

    from clinimcl import evaluate, experiment, tracking
    from clinimcl.modules.speed import SpeedMeter

    folder = Path(configuration["run"])
    experiment.hush()
    pl.seed_everything(configuration["seed"], verbose=False)
    datamodule = experiment.datamodule(configuration)
    datamodule.prepare_data()
    datamodule.setup()
    print(datamodule.tally)
    module = experiment.module(configuration)
    speed = SpeedMeter()
    with tracking.loggers(configuration, folder) as loggers:
        trainer = experiment.trainer(configuration, folder, loggers, speed)
        trainer.fit(module, datamodule, ckpt_path=configuration["ckpt_path"], weights_only=True)
        evaluation = evaluate.evaluate_run(configuration, folder, datamodule, speed.measured())
        tracking.log_evaluation(loggers, evaluation)
    print(f"report: {folder / 'report.html'}")
    headline = evaluation.metrics.get("retrieval_top1")
    return headline.value if headline else None


def main() -> None:
    launch(train, "train")


if __name__ == "__main__":
    main()
