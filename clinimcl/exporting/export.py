"""A trained run → its exported folder, written whole or not at all, and a word of it in the run's report."""

import shutil
from pathlib import Path

from clinimcl import memory
from clinimcl.config.building import build
from clinimcl.config.settings import ExportSettings, TrainSettings
from clinimcl.errors import UserError
from clinimcl.evaluation.exported.section import replace_entries, tell_report
from clinimcl.exporting.folder import write_folder
from clinimcl.runs import components
from clinimcl.runs.folder import told_error


def export_run(settings: ExportSettings, training: TrainSettings) -> None:
    """
    Raises:
        UserError: the run cannot be exported, or `out` holds something else.
    """
    run, out = Path(settings.run), Path(settings.out)
    if training.change is None:
        raise UserError(
            f"run={run} has no classifier of health change: train with change=three_way, or experiment=adni_learner "
            "or oasis_change"
        )
    if not (run / "checkpoints" / "change.ckpt").is_file():
        raise UserError(
            f"run={run} has no checkpoints/change.ckpt, since it ended before its classifier was trained"
            f"{told_error(run)}: its own command with run={run} ckpt_path=last goes on"
        )
    if out.is_symlink() or (out.exists() and not _of_an_export(out)):
        raise UserError(f"out={out} must be a new folder, or one of an earlier export and nothing else in it")
    if build(training.cohort, "cohort").mask is not None:
        raise UserError(
            f"run={run} was trained on masked scans (cohort.mask), and a mask cannot travel with a model yet"
        )

    if (out / "card.json").is_file():
        print(f"the earlier export at {out} will be replaced")
    components.hush()
    memory.keep_freed()
    datamodule = components.datamodule(training)
    datamodule.prepare_data()
    datamodule.setup()
    components.check_splits(run, datamodule.scans)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        said, measured = write_folder(settings, training, datamodule, partial)
        shutil.rmtree(out, ignore_errors=True)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    answered = Path(settings.page).absolute() if settings.page else None
    tell_report(run, out, answered, said[0], measured.outcomes, measured.reliability)
    replace_entries(run, measured.outcomes)
    print(*said, f"model: {out}", sep="\n")


def _of_an_export(out: Path) -> bool:
    """Empty, or holds what an export writes alone."""
    if not out.is_dir():
        return False
    names = {path.name for path in out.iterdir()}
    written = {name for name in names if Path(name).suffix in (".onnx", ".npz")} | {
        "card.json",
        "README.md",
        "SHA256SUMS",
    }
    return not names or ({"card.json", "SHA256SUMS"} <= names and names <= written)
