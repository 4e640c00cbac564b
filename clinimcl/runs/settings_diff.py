"""What differs between a command and the run that it is given for: one that is done, or one that goes on."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from clinimcl.config.settings import Node, TrainSettings
from clinimcl.errors import UserError
from clinimcl.runs.folder import finished, settings_of

MAY_DIFFER = {  # without another result
    *("run", "ckpt_path", "overrides", "engine", "cache", "cache_gib", "mirror", "save_minutes", "logger"),
    *("trainer.max_epochs", "trainer.devices", "trainer.num_nodes"),  # the first repeats `epochs`
    *("loading.workers", "loading.place", "loading.pin_memory"),
    *("review", "faces_consent", "review_scans"),
}
FROM_CHECKPOINT = ("optimizer", "weights")
NAMED = 3  # settings in the sentence


def is_done(settings: TrainSettings) -> bool:
    """Whether the run need not be trained: a job of a sweep that ended well, or one that `ckpt_path=last` would resume.

    Raises:
        UserError: as `check_same`.
    """
    folder = Path(settings.run)
    if not finished(folder) or (settings.sweep is None and settings.ckpt_path != "last"):
        return False
    if settings.sweep is None:
        check_same(settings, folder)
    return True


def check_same(settings: TrainSettings, run: Path) -> None:
    """
    Raises:
        UserError: the run was made with other settings, which are named.
    """
    found = _told(_differences(asdict(settings_of(run)), asdict(settings)))
    if found:
        raise UserError(
            f"run={run} is done, with other settings: {_some(found)}; name another folder by "
            f"run=..., with ckpt_path={run}/checkpoints/last.ckpt to go on from this one, or repeat its settings"
        )


def changes(settings: TrainSettings) -> str:
    """What a training that goes on from `ckpt_path` does otherwise than it did before, if its folder still tells.

    Raises:
        UserError: another optimizer or other weights than those of the checkpoint would have no effect.
    """
    if settings.ckpt_path is None:
        return ""
    checkpoint, now = Path(settings.ckpt_path), asdict(settings)
    before = now
    with suppress(UserError):  # a checkpoint alone, or a run of another version
        before = asdict(settings_of(checkpoint.parents[1]))
    differences = list(_differences(before, now))
    vain = _told(
        [
            *(each for each in differences if each.key == "optimizer"),  # of another class
            *_of_optimizer(checkpoint, settings.optimizer),
        ]
    )
    if vain:
        raise UserError(
            f"{_some(vain)}, but a training that goes on has its optimizer from {checkpoint}: leave that as it was, or "
            f"begin a new training from those weights by weights={checkpoint} instead of ckpt_path"
        )
    if settings.weights not in (None, before["weights"]):
        raise UserError(
            f"weights={settings.weights} would have no effect, since the weights of ckpt_path={checkpoint} go on: give "
            "one of the two"
        )
    found = _told(each for each in differences if each.key.partition(".")[0] not in FROM_CHECKPOINT)
    return f"goes on with other settings than before: {_some(found)}" if found else ""


def _of_optimizer(checkpoint: Path, node: Node) -> Iterator["Difference"]:
    """Between the settings of an optimizer and what its state holds, which the schedule has left as `initial_lr`."""
    from clinimcl.training.checkpoint_files import read

    for group in (each for state in read(checkpoint).get("optimizer_states", []) for each in state["param_groups"]):
        held = group | {"lr": group.get("initial_lr", group["lr"])}
        for name, value in node.items():
            if not name.startswith("_") and _plain(held.get(name)) != _plain(value):
                yield Difference(f"optimizer.{name}", _plain(held.get(name)), value)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


class Difference(NamedTuple):
    key: str
    before: Any
    now: Any


def _told(differences: Iterable[Difference]) -> list[str]:
    """In words, each once: where a value is repeated below another key, by the first."""
    keys: dict[tuple[str, str], str] = {}
    for key, before, now in differences:
        how = f"was {_shown(before)}, is {_shown(now)}"
        keys.setdefault((key.rpartition(".")[2], how), key)
    return [f"{key} {how}" for (_, how), key in keys.items()]


def _some(found: list[str]) -> str:
    """The first few, and how many more there are."""
    return ", ".join(found[:NAMED]) + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")


def _differences(before: Any, now: Any, key: str = "") -> Iterator[Difference]:
    """Each where it lies deepest."""
    if key in MAY_DIFFER:
        return
    if isinstance(before, dict) and isinstance(now, dict) and before.get("_target_") == now.get("_target_"):
        ours = str(now.get("_target_", "clinimcl.")).startswith("clinimcl.")
        for name in before if ours else before | now:  # what one of ours did not have is of a later version
            yield from _differences(before.get(name), now.get(name), f"{key}.{name}" if key else name)
    elif before != now:
        yield Difference(key, before, now)


def _shown(value: Any) -> str:
    """Of a part that is built, what it is."""
    return str(value.get("_target_", "set")).rpartition(".")[2] if isinstance(value, dict) else str(value)
