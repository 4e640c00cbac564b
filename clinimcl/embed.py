"""`python -m clinimcl.embed run=RUN out=FILE.parquet`: the embedding of every scan, subjects under pseudonyms."""

from pathlib import Path

from clinimcl.config.command import launch
from clinimcl.config.settings import EmbedSettings


def embed(settings: EmbedSettings) -> None:
    from clinimcl.runs.folder import settings_of

    training = settings_of(Path(settings.run))  # a wrong run is told before all else is imported
    from clinimcl.runs.embedding import embed_cohort

    embed_cohort(settings, training)


def main() -> None:
    launch(embed, EmbedSettings, "embed")


if __name__ == "__main__":
    main()
