"""Where the configuration files lie."""

from pathlib import Path


def conf_folder() -> Path:
    """`conf/` inside the installed package, or beside the package in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"
