"""`python -m clinimcl.predict model=DIR earlier=A later=B out=DIR`: two scans of a person → an answer and its page."""

from clinimcl.config.command import launch
from clinimcl.config.settings import PredictSettings


def predict(settings: PredictSettings) -> None:
    from clinimcl.inference.asking import answer_pair, answer_pairs

    (answer_pair if settings.pairs is None else answer_pairs)(settings)


def main() -> None:
    launch(predict, PredictSettings, "predict")


if __name__ == "__main__":
    main()
