"""From the command line to typed settings by Hydra, and from an exception to an exit code."""

import atexit
import errno
import gc
import hashlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import hydra
import hydra._internal.hydra
import hydra.core.utils
import hydra.utils
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    InterpolationKeyError,
    InterpolationResolutionError,
    OmegaConfBaseException,
)

from clinimcl.config.building import Settings, build, settings
from clinimcl.config.conf_folder import conf_folder
from clinimcl.config.renamed import with_new_names
from clinimcl.errors import UserError, sentence

PATHS = (
    *("cohort.root", "store", "cache", "out", "run", "ckpt_path", "weights", "key", "logger.key"),
    *("identity", "model", "earlier", "later", "pairs"),
    *("embeddings", "labels", "beside"),
)
LISTS = ("groups", "columns")
QUOTED = (*PATHS, "cohort.mask", "cohort.clinical", "cohort.demographics", "cohort.bids", "token")
SERVING = ("fastapi", "python_multipart", "uvicorn")
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}
DISK |= {errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}


def run(task: Callable[[Settings], float | None], root: type[Settings], name: str) -> None:
    """As `launching.launch`."""
    atexit.register(gc.freeze)  # the interpreter would look at all it holds once more: seconds, of which nothing comes
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands exceptions through instead of exiting with 1 itself
    sys.argv[1:] = [_quoted(argument) for argument in sys.argv[1:]]
    try:
        if any(argument.startswith("--e") for argument in sys.argv):  # argparse takes abbreviations, too
            raise UserError(
                "--experimental-rerun reads a pickle, which can run code: repeat the run by its config.yaml"
            )
        hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name=name)(_job(task, root))()
    except (UserError, HydraException, OmegaConfBaseException) as error:
        _refuse(error)
    except KeyboardInterrupt:
        print(
            "clinimcl: interrupted; what is prepared stays; a training goes on by the same command with run=RUN "
            "ckpt_path=last",
            file=sys.stderr,
        )
        sys.exit(130)


def _close_side_doors() -> None:
    """What Hydra itself would call by a name in the configuration, before any job of ours starts.

    Its callbacks go through our allow-list; its logging configuration, which can name any callable, is not applied.
    """
    hydra.utils.instantiate = lambda node, *_: build(OmegaConf.to_container(node, resolve=True), "hydra.callbacks")
    hydra.core.utils.configure_log = hydra._internal.hydra.configure_log = lambda *_: None


def _job(task: Callable[[Settings], float | None], root: type[Settings]) -> Callable[[DictConfig], float | None]:
    def job(composed: DictConfig) -> float | None:
        sweep = HydraConfig.get().mode == RunMode.MULTIRUN
        try:
            configuration = with_new_names(_configuration(composed, inspect.signature(root).parameters))
            if "sweep" in configuration:
                configuration |= _place_in_sweep() if sweep else {"sweep": None}
            with _disk():
                return task(settings(root, configuration))
        except (UserError, OmegaConfBaseException) as error:
            if sweep:
                raise  # the other jobs of the sweep go on
            _refuse(error)
        except ModuleNotFoundError as error:
            if str(error.name).startswith("clinimcl"):
                raise
            extra = "serve" if error.name in SERVING else "train"
            _refuse(UserError(f"this command needs {error.name}, not installed: pip install 'clinimcl[{extra}]'"))

    return job


def _place_in_sweep() -> dict[str, Any]:
    """The folder of a sweep's job: named by its overrides, so that the same job finds it again."""
    hydra_settings = HydraConfig.get()
    folder, overrides = Path(hydra_settings.runtime.output_dir), sorted(hydra_settings.overrides.task)
    digest = hashlib.sha256("\n".join(overrides).encode()).hexdigest()[:16]
    return {"sweep": str(folder), "run": str(folder / digest), "overrides": overrides}


@contextmanager
def _disk() -> Iterator[None]:
    """A full or protected disk as a sentence, whoever was writing."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK:
            raise
        where = f" at {error.filename}" if error.filename else ""
        raise UserError(
            f"a file cannot be written or read{where} ({error.strerror}): make room or name another folder; what was "
            "written before stays whole"
        ) from error


def _configuration(composed: DictConfig, known: Collection[str]) -> dict[str, Any]:
    """The plain values of the keys that the command knows, all of them given, local paths absolute."""
    choices = HydraConfig.get().runtime.choices
    for group in ("experiment", "cohort"):
        if choices.get(group, "") is None and group not in composed:  # `cohort: null` may go without
            names = sorted(path.stem for path in (conf_folder() / group).glob("*.yaml"))
            raise UserError(f"{group}=... must be given, one of {', '.join(names)}")
    missing = sorted(key for key in OmegaConf.missing_keys(composed) if key.split(".")[0] in known)
    if missing:
        raise UserError(f"{', '.join(missing)} must be given, for example {missing[0]}=...")
    container = OmegaConf.to_container(composed, resolve=True)
    assert isinstance(container, dict)
    configuration = {str(name): node for name, node in container.items() if name in known}
    for key in LISTS:
        if isinstance(configuration.get(key), str):  # a name without brackets
            configuration[key] = [configuration[key]]
    for key in PATHS:
        *owner, name = key.split(".")
        node = configuration.get(owner[0]) or {} if owner else configuration
        node.update({name: _absolute(key, node[name])} if name in node else {})
    return configuration


def _absolute(key: str, path: Any) -> Any:
    """A path that means the same from any folder, to any worker, and when the run is read again."""
    if path == "":
        raise UserError(f"{key} must be a path, got an empty one")
    if not isinstance(path, str) or "://" in path or (key, path) == ("ckpt_path", "last"):
        return path
    return os.path.abspath(os.path.expanduser(path))


def _quoted(argument: str) -> str:
    """Paths may hold spaces, parentheses, commas and `=`, which Hydra's grammar reserves."""
    key, equals, value = argument.partition("=")
    if not equals or key.lstrip("+") not in QUOTED or value[:1] in ("'", '"') or value == "null":
        return argument
    if "," in value and not Path(value).exists() and {"-m", "--multirun"} & set(sys.argv):
        return argument  # a list to sweep over
    escaped = re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + ("\\'" if found[2] else ""), value)
    return f"{key}='{escaped}'"


def _refuse(error: BaseException) -> NoReturn:
    print(f"clinimcl: {_sentence(error)}", file=sys.stderr)
    sys.exit(2)


def _sentence(error: BaseException) -> str:
    if isinstance(error, InterpolationResolutionError) and "'SLURM_" in str(error):
        return (
            "trainer=slurm is for the tasks of a SLURM job (sbatch --nodes=N --ntasks-per-node=DEVICES, and in its "
            "script srun python -m clinimcl.train ...), else use trainer=ddp"
        )
    unknown = re.search(r"Could not override '([^']+)'", str(error))
    if unknown:  # Hydra's own text repeats the value, which may be the path of a scan
        return f"there is no setting {unknown[1]}, or it is no group: --cfg job prints every setting"
    if isinstance(error, MissingConfigException) and error.options:
        return _no_option(str(error.missing_cfg_file), error.options)
    if isinstance(error, InterpolationKeyError):
        return _no_source(str(error.full_key), str(error))
    if isinstance(error, OverrideParseException):
        return "an argument is not of the form name=value, or its value needs quotes: \"name='value'\""
    causes = [sentence(error)]
    while error.__cause__ is not None and isinstance(error.__cause__, HydraException | OmegaConfBaseException):
        error = error.__cause__
        causes.append(str(error))
    return "\n".join(dict.fromkeys(causes))


def _no_option(missing: str, options: Collection[str]) -> str:
    group, _, name = missing.rpartition("/")
    return f"there is no {group}={name}: expected one of {', '.join(options)}"


def _no_source(key: str, text: str) -> str:
    """A setting takes its value from another one, which what was chosen lacks."""
    found = re.search(r"Interpolation key '([^']+)' not found", text)
    source = found[1] if found else "a setting"
    group, owner = source.partition(".")[0], key.partition(".")[0]
    choices = HydraConfig.get().runtime.choices if HydraConfig.initialized() else {}
    chosen = f"{group}={choices[group]}" if group in choices else group
    return f"{key} takes its value from {source}, which {chosen} has not: choose another {owner} or another {group}"


_close_side_doors()  # at import: the processes in which launchers start jobs import this module, too
