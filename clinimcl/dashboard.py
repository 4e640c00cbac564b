"""`python -m clinimcl.dashboard project=NAME`: a W&B workspace in which runs and sweeps stand side by side."""

from clinimcl.config.command import launch
from clinimcl.config.settings import DashboardSettings


def dashboard(settings: DashboardSettings) -> None:
    from clinimcl.tracking.workspace import save_workspace

    print(save_workspace(settings))


def main() -> None:
    launch(dashboard, DashboardSettings, "dashboard")


if __name__ == "__main__":
    main()
