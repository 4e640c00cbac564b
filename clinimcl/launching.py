"""From the command line to a plain configuration, and from an exception to an exit code."""

import inspect
import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NoReturn

import hydra
import hydra.utils
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from clinimcl.building import Settings, build, settings
from clinimcl.errors import UserError

PATHS = (
    "cohort.root",
    "cohort.clinical",
    "cohort.demographics",
    "cohort.bids",
    "store",
    "out",
    "run",
    "ckpt_path",
)


def launch(task: Callable[[Settings], float | None], root: type[Settings], name: str) -> None:
    """Compose `conf/<name>.yaml` with the command line's overrides, check it, and run `task` on its typed root.

    Parts of the configuration that `root` does not know are dropped: what they name need not be installed.

    Exits with 2 for a mistake of the user's, told in a sentence, and with 1 for one of ours, with its traceback.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands exceptions through instead of exiting with 1 itself
    hydra.utils.instantiate = _build_callback  # type: ignore[assignment]  # Hydra builds `hydra.callbacks` with it, before any job starts
    sys.argv[1:] = [_quoted(argument) for argument in sys.argv[1:]]
    try:
        if any(argument.startswith("--experimental-rerun") for argument in sys.argv):
            raise UserError(
                "--experimental-rerun reads a pickle, which can run code: repeat the run from its config.yaml"
            )
        hydra.main(version_base="1.3", config_path=str(_configurations()), config_name=name)(_job(task, root))()
    except (UserError, HydraException, OmegaConfBaseException) as error:
        _refuse(error)


def _job(task: Callable[[Settings], float | None], root: type[Settings]) -> Callable[[DictConfig], float | None]:
    def job(composed: DictConfig) -> float | None:
        try:
            known = inspect.signature(root).parameters
            _require_given(composed, known)
            container = OmegaConf.to_container(composed, resolve=True)
            assert isinstance(container, dict)
            configuration = {str(name): node for name, node in container.items() if name in known}
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                configuration["run"] = HydraConfig.get().runtime.output_dir
            return task(settings(root, configuration))
        except UserError as error:
            _refuse(error)

    return job


def _require_given(composed: DictConfig, known: Collection[str]) -> None:
    choices = HydraConfig.get().runtime.choices
    for group in ("experiment", "cohort"):
        if choices.get(group, "") is None:
            names = sorted(path.stem for path in (_configurations() / group).glob("*.yaml"))
            raise UserError(f"{group}=... must be given, one of {', '.join(names)}")
    missing = sorted(key for key in OmegaConf.missing_keys(composed) if key.split(".")[0] in known)
    if missing:
        raise UserError(f"{', '.join(missing)} must be given, for example {missing[0]}=...")


def _refuse(error: BaseException) -> NoReturn:
    print(f"clinimcl: {_sentence(error)}", file=sys.stderr)
    sys.exit(2)


def _configurations() -> Path:
    """`conf/` inside the installed package, or beside the package in a checkout."""
    package = Path(__file__).parent
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def _build_callback(node: Any) -> Any:
    return build(OmegaConf.to_container(node, resolve=True), "hydra.callbacks")


def _quoted(argument: str) -> str:
    """Paths may hold spaces, parentheses, commas and `=`, which Hydra's grammar reserves."""
    key, equals, value = argument.partition("=")
    if not equals or key.lstrip("+") not in PATHS or value[:1] in ("'", '"') or value == "null":
        return argument
    sweep = "," in value and not Path(value).exists() and {"-m", "--multirun"} & set(sys.argv)
    return argument if sweep else f"{key}='{value.replace(chr(92), chr(92) * 2).replace(chr(39), chr(92) + chr(39))}'"


def _sentence(error: BaseException) -> str:
    causes = [str(error)]
    while error.__cause__ is not None and isinstance(error.__cause__, HydraException | OmegaConfBaseException):
        error = error.__cause__
        causes.append(str(error))
    return "\n".join(dict.fromkeys(causes))
