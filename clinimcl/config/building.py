"""The one place where a configuration becomes objects, and the list of what it may become."""

import functools
import importlib
import inspect
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from clinimcl.errors import UserError

Settings = TypeVar("Settings")

LIBRARIES = ("clinimcl", "lightning", "torch", "monai")

ALLOWED = frozenset(
    {
        "clinimcl.cohorts.adni.Adni",
        "clinimcl.cohorts.bids.Bids",
        "clinimcl.cohorts.blues.Blues",
        "clinimcl.cohorts.caps.Caps",
        "clinimcl.cohorts.freesurfer.FreeSurfer",
        "clinimcl.cohorts.lus.InspiredOxygen",
        "clinimcl.cohorts.lus.Lus",
        "clinimcl.cohorts.oasis2.Oasis2",
        "clinimcl.cohorts.oasis3.Oasis3",
        "clinimcl.cohorts.oasis3_tensors.Oasis3Tensors",
        "clinimcl.cohorts.splits.Splitting",
        "clinimcl.cohorts.table.Table",
        "clinimcl.data.datamodules.AdniDataModule",
        "clinimcl.data.augmentation.Augmentation",
        "clinimcl.data.datamodules.BidsDataModule",
        "clinimcl.data.datamodules.BluesDataModule",
        "clinimcl.data.datamodules.CapsDataModule",
        "clinimcl.data.change_pairs.ChangePairs",
        "clinimcl.data.clip_augmentation.ClipAugmentation",
        "clinimcl.data.datamodules.FreeSurferDataModule",
        "clinimcl.data.datamodule.Loading",
        "clinimcl.data.datamodules.LusDataModule",
        "clinimcl.data.datamodules.Oasis2DataModule",
        "clinimcl.data.datamodules.Oasis3DataModule",
        "clinimcl.data.datamodules.Oasis3TensorsDataModule",
        "clinimcl.data.sampling.Sampling",
        "clinimcl.data.sampling.ScanSampling",
        "clinimcl.data.datamodules.TableDataModule",
        "clinimcl.encoders.change_classifier.ChangeClassifier",
        "clinimcl.encoders.cnn3d.CNN3d",
        "clinimcl.encoders.cnn3d_paper.CNN3dPaper",
        "clinimcl.encoders.projector.Projector",
        "clinimcl.encoders.resnet18_3d.ResNet18In3d",
        "clinimcl.encoders.swin.FrameSwin",
        "clinimcl.encoders.tsm_resnet18.TsmResNet18",
        "clinimcl.encoders.vit.FrameViT",
        "clinimcl.losses.info_nce.InfoNCE",
        "clinimcl.losses.rank_n_contrast.RankNContrast",
        "clinimcl.losses.ranked_contrast.RankedContrast",
        "clinimcl.losses.score_objective.ScoreObjective",
        "clinimcl.losses.sup_con.SupCon",
        "clinimcl.losses.y_aware.YAware",
        "clinimcl.modules.contrastive.ContrastivePretraining",
        "clinimcl.training.schedule.one_cycle",
        "clinimcl.modules.score.ScorePretraining",
        "clinimcl.training.compilation.Step",
        "clinimcl.preparation.clips.Clips",
        "clinimcl.preparation.engines.engine.Dask",
        "clinimcl.preparation.engines.engine.Local",
        "clinimcl.preparation.pipeline.FieldOfView",
        "clinimcl.preparation.pipeline.PaperCrop",
        "clinimcl.preparation.engines.slurm.DaskOnSlurm",
        "lightning.pytorch.loggers.csv_logs.CSVLogger",
        "lightning.pytorch.loggers.tensorboard.TensorBoardLogger",
        "lightning.pytorch.loggers.wandb.WandbLogger",
        "lightning.pytorch.trainer.trainer.Trainer",
        "torch.optim.adamw.AdamW",
    }
)


def build(node: Any, key: str = "") -> Any:
    """The object that a plain configuration describes; nodes with `_target_` are called, innermost first.

    `key` is the node's place in the configuration, for the sentences.

    Raises:
        UserError: a `_target_` is not on the list, or does not take the settings it is given.
    """
    if isinstance(node, Mapping):
        built = {name: build(value, f"{key}.{name}".lstrip(".")) for name, value in node.items()}
        return _call(built, key) if "_target_" in built else built
    if isinstance(node, list | tuple):
        return [build(value, f"{key}[{index}]") for index, value in enumerate(node)]
    return node


def complete(node: Any, key: str, rest: dict[str, Any]) -> Any:
    """The object that a `_partial_` configuration describes, with what only Python can give it.

    Raises:
        UserError: as `build`.
    """
    part = build(node, key)
    try:
        inspect.signature(part).bind(**rest)
    except TypeError as error:  # as in the configuration of a run of another version
        raise UserError(f"{key}: {part.func.__qualname__} {error}; it takes {', '.join(_taken(part.func))}") from None
    return _made(part, rest, key)


def check(node: Any, key: str = "") -> None:
    """What `build` would refuse, found before any work starts: every target and the names of its settings."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            check(value, f"{key}.{name}".lstrip("."))
        if "_target_" in node:
            settings = dict(node)
            _bind(resolve(settings.pop("_target_"), key), settings, key)
    if isinstance(node, list | tuple):
        for index, value in enumerate(node):
            check(value, f"{key}[{index}]")


def settings(root: type[Settings], configuration: dict[str, Any]) -> Settings:
    """The typed root of a configuration, after every node in it was checked; nodes stay plain.

    Raises:
        UserError: as `build`, for the root's own values, too.
    """
    made = _made(root, _bind(root, configuration, ""), "")
    check(configuration)
    return made


def resolve(target: Any, key: str) -> Any:
    """The class or function named `target`, judged by what it really is and not by the path that leads to it.

    `monai.networks.nets.resnet.torch.load` is torch's `load`, and is refused.
    """
    found = _locate(target) if isinstance(target, str) and target.split(".")[0] in LIBRARIES else None
    identity = f"{getattr(found, '__module__', None)}.{getattr(found, '__qualname__', None)}"
    if not (inspect.isclass(found) or inspect.isfunction(found)) or identity not in ALLOWED:
        real = f", which is {identity}," if found is not None and identity != target else ""
        raise UserError(
            f"{key}._target_={target}{real} is not on the list of classes that a configuration may name: "
            "use one of clinimcl's groups, or add it to ALLOWED in clinimcl/config/building.py"
        )
    return found


def _locate(path: str) -> Any:
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError as error:
            if error.name in LIBRARIES or not path.startswith(str(error.name)):
                raise UserError(f"{path} needs {error.name}, not installed: pip install 'clinimcl[train]'") from None
            continue
        return functools.reduce(lambda owner, name: getattr(owner, name, None), parts[end:], found)
    return None


def _call(settings: dict[str, Any], key: str) -> Any:
    target = resolve(settings.pop("_target_"), key)
    settings = _bind(target, settings, key)
    if settings.pop("_partial_", False):
        return functools.partial(target, **settings)
    return _made(target, settings, key)


def _made(target: Any, settings: dict[str, Any], key: str) -> Any:
    try:
        return target(**settings)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{key}: {error}".removeprefix(": ")) from error


def _bind(target: Any, settings: dict[str, Any], key: str) -> dict[str, Any]:
    """The settings as `target` takes them: whole numbers become fractions where its signature says float."""
    signature = inspect.signature(target)
    given = {name: value for name, value in settings.items() if name != "_partial_"}
    try:
        (signature.bind_partial if settings.get("_partial_") else signature.bind)(**given)
    except TypeError as error:
        takes = ", ".join(_taken(target))
        raise UserError(f"{key or 'configuration'}: {target.__qualname__} {error}; it takes {takes}") from None
    hints = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    for name, value in given.items():
        if not _fits(value, hints.get(name, Any)):
            raise UserError(f"{key}.{name}".lstrip(".") + f" must be {_said(hints[name])}, got {value!r}")
    whole = {name for name, value in given.items() if type(value) is int and hints.get(name) is float}
    return settings | {name: float(given[name]) for name in whole}


def _taken(target: Any) -> list[str]:
    return list(inspect.signature(target).parameters)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a plain value is of a plain annotation; objects and all other annotations pass."""
    if get_origin(hint) in (Union, UnionType):
        return any(_fits(value, option) for option in get_args(hint))
    if hint is None or hint is type(None):
        return value is None
    if hint in (bool, int, float, str):
        wanted = (int, float) if hint is float else hint
        return isinstance(value, wanted) and (hint is bool or not isinstance(value, bool))
    if get_origin(hint) is Sequence:
        return isinstance(value, list | tuple) and all(_fits(item, get_args(hint)[0]) for item in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict)
    return value is not None or hint in (Any, inspect.Parameter.empty) or isinstance(hint, str)


def _said(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_said(option) for option in get_args(hint))
    if hint is type(None):
        return "null"
    return "a list" if get_origin(hint) is Sequence else getattr(hint, "__name__", str(hint))
