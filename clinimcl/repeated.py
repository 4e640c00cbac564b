"""A command that is given again for a run that is done."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from clinimcl.errors import UserError
from clinimcl.run_folder import settings_of
from clinimcl.settings import TrainSettings

MAY_DIFFER = {  # without another result
    *("ckpt_path", "overrides", "engine", "cache", "cache_gib", "mirror", "save_minutes", "logger"),
    *("trainer.max_epochs", "trainer.devices", "trainer.num_nodes"),  # the first repeats `epochs`
    *("loading.workers", "loading.place", "loading.pin_memory"),
}
NAMED = 3  # settings in the sentence


def check_same(settings: TrainSettings, run: Path) -> None:
    """
    Raises:
        UserError: the run was made with other settings, which are named.
    """
    found = _told(_differences(asdict(settings_of(run)), asdict(settings)))
    if found:
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise UserError(
            f"run={run} is done, with other settings: {', '.join(found[:NAMED])}{more}; name another folder by "
            f"run=..., with ckpt_path={run}/checkpoints/last.ckpt to go on from this one, or repeat its settings"
        )


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


def _differences(before: Any, now: Any, key: str = "") -> Iterator[Difference]:
    """Each where it lies deepest."""
    if key in MAY_DIFFER:
        return
    if isinstance(before, dict) and isinstance(now, dict) and before.get("_target_") == now.get("_target_"):
        for name in before | now:
            yield from _differences(before.get(name), now.get(name), f"{key}.{name}" if key else name)
    elif before != now:
        yield Difference(key, before, now)


def _shown(value: Any) -> str:
    """Of a part that is built, what it is."""
    return str(value.get("_target_", value)).rpartition(".")[2] if isinstance(value, dict) else str(value)
