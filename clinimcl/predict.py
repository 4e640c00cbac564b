"""`python -m clinimcl.predict model=DIR earlier=A later=B out=DIR`: two scans of a person → an answer and its page."""

from pathlib import Path

from clinimcl.config.command import launch
from clinimcl.config.settings import PredictSettings


def predict(settings: PredictSettings) -> None:
    from clinimcl.inference.model import Model, settle
    from clinimcl.inference.runtimes import Runtime

    settle()
    model = Model(Path(settings.model), Runtime(settings.runtime, settings.precision))
    if settings.pairs is not None:
        from clinimcl.inference.batch_prediction import answer_table

        print(answer_table(model, Path(settings.model), Path(settings.pairs), Path(settings.out), page=settings.page))
        return
    from clinimcl.errors import UserError
    from clinimcl.inference.input_scans import given_pair
    from clinimcl.inference.prediction import answer, ask, record, sentences
    from clinimcl.storage.files import made_folder, write_json

    out = Path(settings.out)
    if out.exists() and not out.is_dir():
        raise UserError(f"out={out} is a file: name a folder")
    for left in ("answer.json", "page.html"):  # of another pair
        (out / left).unlink(missing_ok=True)
    assert settings.earlier is not None and settings.later is not None
    pair = given_pair(settings.earlier, settings.later, model.pipeline, model.parts.input)
    asked = ask(model, *pair, (settings.earlier_scanner, settings.later_scanner))
    found = answer(model, asked, (settings.earlier_date, settings.later_date))
    print("\n".join(sentences(model, found)), flush=True)
    made_folder(out, "out")
    write_json(record(found), out / "answer.json")
    if settings.page:
        from clinimcl.inference.page import write_page

        write_page(model, asked, found, out / "page.html")
        print(f"page: {out / 'page.html'}")


def main() -> None:
    launch(predict, PredictSettings, "predict")


if __name__ == "__main__":
    main()
