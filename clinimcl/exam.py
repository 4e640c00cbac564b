"""`python -m clinimcl.exam embeddings=FILE labels=FILE column=NAME out=DIR`: a linear probe, and for whom it errs."""

from pathlib import Path
from typing import TYPE_CHECKING

from clinimcl.config.command import launch
from clinimcl.config.settings import ExamSettings

if TYPE_CHECKING:
    from clinimcl.evaluation.exam.items import Labelled, Question


def exam(settings: ExamSettings) -> None:
    from clinimcl.evaluation.exam.items import Question, items_of
    from clinimcl.evaluation.exam.measure import examine
    from clinimcl.evaluation.exam.writing import print_exam, summary_of, write_exam

    question = Question(settings.column, tuple(settings.groups), settings.least)
    by_source = labelled_embeddings(settings, question)
    items = items_of(by_source, question)
    scores = examine(items, settings.splits, settings.seed, settings.least)
    out = Path(settings.out)
    write_exam(scores, summary_of(question, items, by_source, settings.splits, settings.seed), out)
    print_exam(scores)
    print(f"exam: {out / 'exam.html'}")


def labelled_embeddings(settings: ExamSettings, question: "Question") -> "dict[str, Labelled]":
    """By source: embeddings, and beside."""
    from clinimcl.evaluation.exam.embedding_files import read_embeddings, read_table
    from clinimcl.evaluation.exam.items import labelled, pseudonymous

    labels = None
    if settings.labels is not None:
        labels = pseudonymous(read_table(Path(settings.labels), "labels"), secret(settings.key))
    files = {"embeddings": settings.embeddings, "beside": settings.beside}
    read = {name: read_embeddings(Path(file), name) for name, file in files.items() if file is not None}
    return {name: labelled(embeddings, labels, question) for name, embeddings in read.items()}


def secret(path: str | None) -> bytes | None:
    """
    Raises:
        UserError: there is no such file; a new key would give other pseudonyms.
    """
    from clinimcl.errors import UserError
    from clinimcl.pseudonyms import read_key

    if path is None:
        return None
    if not Path(path).is_file():
        raise UserError(f"key={path} is not there: name the one of the pseudonyms, such as RUN/pseudonym.key")
    return read_key(Path(path))


def main() -> None:
    launch(exam, ExamSettings, "exam")


if __name__ == "__main__":
    main()
