"""`python -m clinimcl.evaluate run=RUN`: the metrics and the report of a trained run."""

from pathlib import Path

from clinimcl.config.command import launch
from clinimcl.config.settings import EvaluateSettings


def evaluate(settings: EvaluateSettings) -> None:
    from clinimcl.runs.folder import settings_of

    training = settings_of(Path(settings.run))  # a wrong run is told before all else is imported
    from clinimcl.runs.evaluating import evaluate_command

    evaluate_command(settings, training)


def main() -> None:
    launch(evaluate, EvaluateSettings, "evaluate")


if __name__ == "__main__":
    main()
