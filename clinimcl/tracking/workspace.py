"""A W&B workspace, saved with a key or written as a file."""

from pathlib import Path

import wandb

from clinimcl.config.settings import DashboardSettings
from clinimcl.errors import UserError
from clinimcl.storage.files import write_json
from clinimcl.tracking.wandb_panels import definition, workspace


def save_workspace(settings: DashboardSettings) -> str:
    """Saves the workspace with a key; without one, or where `out` is given, writes its definition and sends nothing.

    Returns a sentence that says where it is.

    Raises:
        UserError: `out` is a folder; the server cannot be reached, or refuses.
    """
    out = Path(settings.out or "dashboard.json").absolute()
    if out.is_dir():
        raise UserError(f"out={out} must be a file to write, but is a folder: name a file in it")
    address = saved(settings) if settings.out is None else None
    if address is not None:
        return f"dashboard: {address}"
    write_definition(settings, out)
    reason = "there is no W&B key here; after `wandb login` the same command saves it. " if settings.out is None else ""
    return f"{reason}definition of the dashboard: {out}"


def write_definition(settings: DashboardSettings, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(definition(workspace(settings.project, settings.entity or "")), out)


def saved(settings: DashboardSettings) -> str | None:
    """The address of the new workspace; None where there is no key.

    Raises:
        UserError: the server cannot be reached, or refuses.
    """
    made = workspace(settings.project, settings.entity or "")
    try:
        if not wandb.login(prompt=False):
            return None
        made.entity = settings.entity or wandb.Api().default_entity or ""
        made.save()
        return str(made.url)
    except Exception as error:  # W&B has no common class for all that a server can answer
        raise UserError(
            f"the dashboard of project={settings.project} cannot be saved ({str(error).strip()}): see whether key, "
            "project, entity and network are right, or give out=FILE.json for a definition that needs no server"
        ) from error
