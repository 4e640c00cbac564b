"""What is asked of a model on the command line, and the files of its answers."""

from pathlib import Path

from clinimcl.config.settings import PredictSettings
from clinimcl.errors import UserError
from clinimcl.inference.batch_prediction import answer_table
from clinimcl.inference.input_scans import given_pair
from clinimcl.inference.model import Model, settle
from clinimcl.inference.page import write_page
from clinimcl.inference.prediction import answer, ask, record, sentences
from clinimcl.inference.runtimes import Runtime
from clinimcl.storage.files import made_folder, write_json


def answer_pairs(settings: PredictSettings) -> None:
    """A table of pairs → a table of answers."""
    assert settings.pairs is not None
    model = loaded(settings)
    print(answer_table(model, Path(settings.model), Path(settings.pairs), Path(settings.out), page=settings.page))


def answer_pair(settings: PredictSettings) -> None:
    """Two scans → answer.json and page.html; those of another pair are removed first.

    Raises:
        UserError: a scan cannot be read, or `out` is a file.
    """
    model, out = loaded(settings), Path(settings.out)
    if out.exists() and not out.is_dir():
        raise UserError(f"out={out} is a file: name a folder")
    for left in ("answer.json", "page.html"):
        (out / left).unlink(missing_ok=True)
    assert settings.earlier is not None and settings.later is not None
    pair = given_pair(settings.earlier, settings.later, model.pipeline, model.parts.input)
    asked = ask(model, *pair, (settings.earlier_scanner, settings.later_scanner))
    found = answer(model, asked, (settings.earlier_date, settings.later_date))
    print("\n".join(sentences(model, found)), flush=True)
    made_folder(out, "out")
    write_json(record(found), out / "answer.json")
    if settings.page:
        write_page(model, asked, found, out / "page.html")
        print(f"page: {out / 'page.html'}")


def loaded(settings: PredictSettings) -> Model:
    settle()
    return Model(Path(settings.model), Runtime(settings.runtime, settings.precision))
