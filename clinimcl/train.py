"""`python -m clinimcl.train experiment=oasis_infonce cohort.root=DIR`: prepare, train, evaluate, report."""

from pathlib import Path

from clinimcl.config.command import launch
from clinimcl.config.settings import TrainSettings


def train(settings: TrainSettings) -> float | None:
    """Run the experiment; return its headline on held-out subjects (None where it could not be measured).

    `balanced_accuracy` of health change, or `retrieval_top1` where no change is classified.
    """
    from clinimcl.runs.folder import headline
    from clinimcl.runs.settings_diff import is_done

    if is_done(settings):
        print(f"already done: {settings.run}")
        return headline(Path(settings.run))
    from clinimcl.runs.training import train_run

    return train_run(settings)


def main() -> None:
    launch(train, TrainSettings, "train")


if __name__ == "__main__":
    main()
