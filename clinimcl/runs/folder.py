"""Where a run leaves things, and what besides its results: its configuration and how it ended."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from clinimcl.config.settings import TrainSettings
from clinimcl.errors import UserError, sentence
from clinimcl.storage.files import write_json, write_text

# What an evaluation leaves, and the next one replaces
EVALUATED = (
    "evaluation.json",
    "absent.json",
    "epochs.csv",
    "answers.csv",
    "confusion.csv",
    "reliability.csv",
    "notes.txt",
    "probes.csv",
    "figures",
    "report.html",
    "review",
)
# What a run leaves besides config.yaml and status.json
LEFT = (
    *EVALUATED,
    "checkpoints",
    "wandb",
    "tensorboard",
    "metrics.csv",
    "splits.json",
    "speed.json",
    "pretraining.csv",
    "weights.txt",
    "harmonised.txt",
    "costs.json",
)


def finished(folder: Path) -> bool:
    """Whether a run ended well here."""
    return _status_of(folder).get("status") == "done"


def headline(folder: Path) -> float | None:
    """`balanced_accuracy` of health change or else `retrieval_top1` of a run that is done; None where neither is."""
    metrics = json.loads((folder / "evaluation.json").read_text())
    metric = metrics.get("balanced_accuracy", metrics.get("retrieval_top1"))
    return metric["value"] if metric else None


def told_error(folder: Path) -> str:
    """Of a run that failed, the error in brackets; else nothing."""
    error = _status_of(folder).get("error")
    return f" ({error})" if error else ""


def _status_of(folder: Path) -> dict[str, str]:
    """Empty where no run was, or the file cannot be read."""
    with suppress(OSError, ValueError):
        return json.loads((folder / "status.json").read_text())
    return {}


def continued(settings: TrainSettings) -> TrainSettings:
    """`ckpt_path` as a file of this machine; `last` is the run's own last one, or none where a run begins.

    With a mirror it is the last one of all machines. The jobs of a sweep need none: see `stages.pretrain`.

    Raises:
        UserError: there is no such checkpoint, or it is damaged.
    """
    from clinimcl.training.checkpoint_files import read

    found = _continued(settings)
    if found is not None and found.is_dir():
        raise UserError(f"ckpt_path={found} is a folder: expected a file, such as {found}/checkpoints/last.ckpt")
    if found is not None and any(name.startswith("classifier.") for name in read(found)["state_dict"]):
        raise UserError(
            f"ckpt_path={found} is a classifier of health change, but it is the pretraining that goes on: give "
            "last.ckpt of its folder"
        )
    return replace(settings, ckpt_path=str(found) if found else None)


def _continued(settings: TrainSettings) -> Path | None:
    path = settings.ckpt_path
    if path == "last":
        return _last(settings) if settings.sweep is None else None
    if path is None or "://" not in path:
        return Path(path) if path else None
    found = _fetched(path)
    if found is None:
        raise UserError(f"no checkpoint at {path}: expected one such as gs://bucket/RUN/checkpoints/last.ckpt")
    return found


def _last(settings: TrainSettings) -> Path | None:
    from clinimcl.training.checkpoint_mirror import local_copy

    last = Path(settings.run) / "checkpoints" / "last.ckpt"
    if settings.mirror is not None:
        url = f"{mirror_url(settings)}/checkpoints/last.ckpt"
        mirrored = _fetched(url)
        if mirrored and _steps(mirrored) > _steps(last):
            return local_copy(url, Path(settings.run))
    return last if last.is_file() else None


def _fetched(url: str) -> Path | None:
    from clinimcl.training.checkpoint_mirror import local_copy

    kept = Path("runs") / "fetched" / hashlib.sha256(url.encode()).hexdigest()[:16]
    return local_copy(url, kept.absolute())


def _steps(checkpoint: Path) -> int:
    """Done when it was written; -1 where there is none that can be read."""
    from clinimcl.training.checkpoint_files import read

    with suppress(UserError):
        return int(read(checkpoint)["global_step"])
    return -1


def mirror_url(settings: TrainSettings) -> str:
    """Where the run's checkpoints stand in the bucket."""
    return f"{str(settings.mirror).rstrip('/')}/{settings.name}/{Path(settings.run).name}"


def settings_of(run: Path) -> TrainSettings:
    """
    Raises:
        UserError: the folder is no run's, or its configuration is not one of this version.
    """
    import yaml
    from omegaconf import OmegaConf

    from clinimcl.config.building import settings
    from clinimcl.config.renamed import with_new_names

    path = run / "config.yaml"
    if not path.is_file():
        raise UserError(f"run={run} must be a run folder, which holds config.yaml and checkpoints/")
    try:
        found = OmegaConf.to_container(OmegaConf.load(path))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({type(error).__name__}): expected the settings of a run") from None
    if not isinstance(found, dict):
        raise UserError(f"{path} must hold the settings of a run, got {type(found).__name__}")
    return settings(TrainSettings, {str(name): value for name, value in with_new_names(found).items()})


@contextmanager
def recorded(folder: Path, configuration: dict[str, Any]) -> Iterator[Callable[[], None]]:
    """`config.yaml`, and a `status.json` that says running, then done, interrupted, or failed with the error.

    What is yielded is to be called when the work begins: until then, a run that goes on in its place stays as it is.
    It keeps what it has; a job of a sweep begins anew.

    Raises:
        UserError: a training stands here that would be lost.
    """
    last, done = folder / "checkpoints" / "last.ckpt", finished(folder)
    own, begun = is_own(folder, configuration["ckpt_path"]) and not done, False

    def begin() -> None:
        nonlocal begun
        if not begun:
            set_aside_metrics(folder) if own else _make_room(folder)
            write_text(yaml_of(configuration), folder / "config.yaml")
            _status(folder, "running")
            begun = True

    if configuration["sweep"] is None and not own and (done or last.is_file()):
        raise UserError(
            f"run={folder} holds a training: name another folder, let it go on in its place by ckpt_path=last (which "
            "leaves a finished one as it is), or remove it"
        )
    if not own:
        begin()
    try:
        yield begin
    except BaseException as error:
        if begun:
            with suppress(OSError):  # a full disk, which may be why
                if isinstance(error, KeyboardInterrupt | SystemExit):
                    _status(folder, "interrupted")
                else:
                    fail(folder, f"{type(error).__name__}: {sentence(error)}")
        raise
    _status(folder, "done")


def is_own(folder: Path, ckpt_path: str | None) -> bool:
    """Whether a run goes on from its own last checkpoint, in its place."""
    return ckpt_path is not None and Path(ckpt_path) == folder / "checkpoints" / "last.ckpt"


def fail(folder: Path, error: str) -> None:
    _status(folder, "failed", error)


def _status(folder: Path, status: str, error: str = "") -> None:
    write_json({"status": status} | ({"error": error} if error else {}), folder / "status.json")


def logged(folder: Path) -> list[Path]:
    """What was logged while training, first to last: of a run that was continued in its place, a file each time."""
    files = [folder / "pretraining.csv", *sorted(folder.glob("metrics-*.csv")), folder / "metrics.csv"]
    return [file for file in files if file.is_file()]


def set_aside_metrics(folder: Path) -> None:
    """Out of the way of the logger, which begins its file anew."""
    if (folder / "metrics.csv").is_file():
        times = len(list(folder.glob("metrics-*.csv")))
        (folder / "metrics.csv").rename(folder / f"metrics-{times + 1:03d}.csv")


def without_evaluation(folder: Path) -> Path:
    """The folder, made where there is none; what an earlier evaluation left is removed, lest it be taken for new."""
    folder.mkdir(exist_ok=True)
    _remove([folder / name for name in EVALUATED])
    return folder


def _make_room(folder: Path) -> None:
    """An empty place for a run: what an earlier one left in the same folder is removed, lest it be taken for new.

    Raises:
        UserError: it cannot be written.
    """
    try:
        left = [*(folder / name for name in LEFT), *folder.glob("on_*"), *folder.glob("metrics-*.csv")]
        if (folder / "status.json").is_file():
            _remove(left)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"run={folder} cannot be written ({error.strerror}): name another folder") from error


def _remove(paths: Iterable[Path]) -> None:
    """Files and folders, where they are."""
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def yaml_of(configuration: dict[str, Any]) -> str:
    """The text of a `config.yaml`."""
    from omegaconf import OmegaConf

    return OmegaConf.to_yaml(OmegaConf.create(configuration))
