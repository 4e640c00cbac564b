"""`python -m clinimcl.dashboard project=NAME`: a W&B workspace in which runs and sweeps stand side by side."""

from pathlib import Path

from clinimcl.config.command import launch
from clinimcl.config.settings import DashboardSettings
from clinimcl.errors import UserError


def dashboard(settings: DashboardSettings) -> None:
    """Saves the workspace with a key; without one, or where `out` is given, writes its definition and sends nothing."""
    out = Path(settings.out or "dashboard.json").absolute()
    if out.is_dir():
        raise UserError(f"out={out} must be a file to write, but is a folder: name a file in it")
    address = saved(settings) if settings.out is None else None
    if address is not None:
        print(f"dashboard: {address}")
        return
    write_definition(settings, out)
    reason = "there is no W&B key here; after `wandb login` the same command saves it. " if settings.out is None else ""
    print(f"{reason}definition of the dashboard: {out}")


def write_definition(settings: DashboardSettings, out: Path) -> None:
    from clinimcl.storage.files import write_json
    from clinimcl.tracking.wandb_panels import definition, workspace

    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(definition(workspace(settings.project, settings.entity or "")), out)


def saved(settings: DashboardSettings) -> str | None:
    """The address of the new workspace; None where there is no key.

    Raises:
        UserError: the server cannot be reached, or refuses.
    """
    import wandb

    from clinimcl.tracking.wandb_panels import workspace

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


def main() -> None:
    launch(dashboard, DashboardSettings, "dashboard")


if __name__ == "__main__":
    main()
