"""From the files of an exam to its report."""

from pathlib import Path

from clinimcl.config.settings import ExamSettings
from clinimcl.errors import UserError
from clinimcl.evaluation.exam.embedding_files import read_embeddings, read_table
from clinimcl.evaluation.exam.items import Labelled, Question, items_of, labelled, pseudonymous
from clinimcl.evaluation.exam.measure import examine
from clinimcl.evaluation.exam.writing import print_exam, summary_of, write_exam
from clinimcl.pseudonyms import read_key


def examine_files(settings: ExamSettings) -> None:
    """Read embeddings and labels, examine them, write the exam into `out`."""
    question = Question(settings.column, tuple(settings.groups), settings.least)
    by_source = labelled_embeddings(settings, question)
    items = items_of(by_source, question)
    scores = examine(items, settings.splits, settings.seed, settings.least)
    out = Path(settings.out)
    write_exam(scores, summary_of(question, items, by_source, settings.splits, settings.seed), out)
    print_exam(scores)
    print(f"exam: {out / 'exam.html'}")


def labelled_embeddings(settings: ExamSettings, question: Question) -> dict[str, Labelled]:
    """By source: embeddings, and beside."""
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
    if path is None:
        return None
    if not Path(path).is_file():
        raise UserError(f"key={path} is not there: name the one of the pseudonyms, such as RUN/pseudonym.key")
    return read_key(Path(path))
