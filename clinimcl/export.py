"""`python -m clinimcl.export run=RUN out=DIR`: a trained run as one folder that answers without torch."""

from pathlib import Path

from clinimcl.config.command import launch
from clinimcl.config.settings import ExportSettings


def export(settings: ExportSettings) -> None:
    from clinimcl.runs.folder import settings_of

    training = settings_of(Path(settings.run))  # a wrong run is told before all else is imported
    from clinimcl.exporting.export import export_run

    export_run(settings, training)


def main() -> None:
    launch(export, ExportSettings, "export")


if __name__ == "__main__":
    main()
