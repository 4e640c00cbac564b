"""The scans of a cohort, embedded by a run's encoder, as files that may leave the machine."""

from pathlib import Path

import numpy as np

from clinimcl import memory
from clinimcl.config.settings import EmbedSettings, TrainSettings
from clinimcl.errors import UserError
from clinimcl.evaluation.exam.embedding_folder import check_folder, write_folder
from clinimcl.pseudonyms import read_key
from clinimcl.runs import components, encoder_on_cohort, stages
from clinimcl.runs.embedding_table import embedding_table, write_table


def embed_cohort(settings: EmbedSettings, training: TrainSettings) -> None:
    """A row or a file for each scan; subjects under pseudonyms whose key stays with the run.

    Raises:
        UserError: the place for the files is not as it must be; the training diverged.
    """
    run, out = Path(settings.run), Path(settings.out)
    if settings.format == "parquet" and out.is_dir():
        raise UserError(f"out={out} is a folder: name a file")
    if settings.format == "fomo":
        check_folder(out)
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
