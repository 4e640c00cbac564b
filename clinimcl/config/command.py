"""A command's first look at its arguments: help comes from conf/ alone, at once; all else is composed."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from clinimcl.config.conf_folder import conf_folder

if TYPE_CHECKING:
    from clinimcl.config.building import Settings

HELP = {"-h", "--help"}


def launch(task: "Callable[[Settings], float | None]", root: "type[Settings]", name: str) -> None:
    """Compose `conf/<name>.yaml` with the command line's overrides, check it, and run `task` on its typed root.

    Parts of the configuration that `root` does not know are dropped: what they name need not be installed.

    Exits with 2 for a mistake of the user's, told in a sentence, and with 1 for one of ours, with its traceback.
    """
    if HELP & set(sys.argv[1:]):
        _tell(_help(name))
    else:
        from clinimcl.config.hydra_job import run

        run(task, root, name)


def _tell(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who reads has seen enough, as with `| head`


def _help(name: str) -> str:
    """What a command does, its groups, and each of its settings as its configuration tells it."""
    import yaml

    text = (conf_folder() / f"{name}.yaml").read_text()
    node = yaml.safe_load(text)
    own = text.partition("\n\n")[2].partition("\nhydra:\n")[0]
    groups = [_group(*pair) for part in node["defaults"] for pair in _offered(part, own)]
    told = [node["hydra"]["help"]["header"]]
    if groups:
        lines = [f"{group}: {', '.join(options)}" for group, options in groups]
        told += [
            "Groups of settings (group=option, * unless told otherwise; then group.name=value):",
            "",
        ]
        told += [*lines, "", f"What they amount to: python -m clinimcl.{name} group=option ... --cfg job", ""]
    return "\n".join([*told, "Settings (name=value; ??? must be given):", "", own])


def _offered(part: str | dict[str, str | None], own: str) -> list[tuple[str, str | None]]:
    """A group and its option of the defaults; what is fixed, or told among the command's own settings, is left out."""
    pairs = [] if isinstance(part, str) else part.items()
    return [(group, chosen) for group, chosen in pairs if "override " not in group and f"\n{group}: " not in own]


def _group(group: str, chosen: str | None) -> tuple[str, list[str]]:
    """Its name and its options, the chosen one marked."""
    options = sorted(path.stem for path in (conf_folder() / group).glob("*.yaml"))
    return group, [f"{option}*" if option == chosen else option for option in options]
