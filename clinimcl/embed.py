"""`python -m clinimcl.embed run=RUN out=FILE.parquet`: the embedding of every scan, subjects under pseudonyms."""

from pathlib import Path

from clinimcl.config.command import launch
from clinimcl.config.settings import EmbedSettings


def embed(settings: EmbedSettings) -> None:
    from clinimcl.errors import UserError
    from clinimcl.evaluation.exam.embedding_folder import check_folder, write_folder
    from clinimcl.runs.folder import settings_of

    run, out = Path(settings.run), Path(settings.out)
    training = settings_of(run)
    if settings.format == "parquet" and out.is_dir():
        raise UserError(f"out={out} is a folder: name a file")
    if settings.format == "fomo":
        check_folder(out)
    import numpy as np

    from clinimcl import memory
    from clinimcl.pseudonyms import read_key
    from clinimcl.runs import components, encoder_on_cohort, stages
    from clinimcl.runs.embedding_table import embedding_table, write_table

    components.hush()
    memory.keep_freed()
    module = encoder_on_cohort.untrained(training) if settings.untrained else stages.pretrained(training, run)
    secret = Path(settings.key) if settings.key else run / "pseudonym.key"
    key = read_key(secret)
    shown = encoder_on_cohort.shown(training, settings.cohort, settings.store)
    if settings.cohort is None:
        components.check_splits(run, shown.scans)
    vectors = encoder_on_cohort.vectors(module, shown, shown.scans.index.tolist())
    if not np.isfinite(vectors).all():
        raise UserError("the embeddings must be finite, got NaN or infinity: the training diverged")
    table = embedding_table(shown.scans, vectors, key, scores=settings.scores, columns=settings.columns)
    write = write_folder if settings.format == "fomo" else write_table
    write(table, out)
    subjects = shown.scans["subject"].nunique()
    print(f"{out}: {len(vectors)} scans of {subjects} subjects, {vectors.shape[1]} numbers each")
    print(f"the key of their pseudonyms, not to be shared: {secret}")


def main() -> None:
    launch(embed, EmbedSettings, "embed")


if __name__ == "__main__":
    main()
