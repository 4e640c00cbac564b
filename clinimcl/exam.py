"""`python -m clinimcl.exam embeddings=FILE labels=FILE column=NAME out=DIR`: a linear probe, and for whom it errs."""

from clinimcl.config.command import launch
from clinimcl.config.settings import ExamSettings


def exam(settings: ExamSettings) -> None:
    from clinimcl.evaluation.exam.examination import examine_files

    examine_files(settings)


def main() -> None:
    launch(exam, ExamSettings, "exam")


if __name__ == "__main__":
    main()
