"""The one place where a configuration becomes objects, and the list of what it may become."""

import functools
import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from clinimcl.errors import UserError

LIBRARIES = ("clinimcl", "lightning", "torch", "monai")

ALLOWED = frozenset(
    {
        "clinimcl.cohorts.bids.Bids",
        "clinimcl.cohorts.caps.Caps",
        "clinimcl.cohorts.oasis3.Oasis3",
        "clinimcl.cohorts.oasis3_tensors.Oasis3Tensors",
        "clinimcl.cohorts.splits.Splitting",
        "clinimcl.cohorts.table.Table",
        "clinimcl.data.augmentation.Augmentation",
        "clinimcl.data.bids.BidsDataModule",
        "clinimcl.data.caps.CapsDataModule",
        "clinimcl.data.longitudinal.Loading",
        "clinimcl.data.oasis3.Oasis3DataModule",
        "clinimcl.data.oasis3_tensors.Oasis3TensorsDataModule",
        "clinimcl.data.sampling.Sampling",
        "clinimcl.data.table.TableDataModule",
        "clinimcl.encoders.cnn3d.CNN3d",
        "clinimcl.encoders.cnn3d_paper.CNN3dPaper",
        "clinimcl.encoders.projector.Projector",
        "clinimcl.losses.info_nce.InfoNCE",
        "clinimcl.modules.schedule.one_cycle",
        "clinimcl.preparation.engine.Dask",
        "clinimcl.preparation.engine.Local",
        "clinimcl.preparation.pipeline.FieldOfView",
        "clinimcl.preparation.pipeline.PaperCrop",
        "lightning.pytorch.loggers.csv_logs.CSVLogger",
        "lightning.pytorch.loggers.tensorboard.TensorBoardLogger",
        "lightning.pytorch.loggers.wandb.WandbLogger",
        "lightning.pytorch.trainer.trainer.Trainer",
        "monai.networks.nets.resnet.resnet18",
        "torch.optim.adam.Adam",
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
            "use one of clinimcl's groups, or add it to ALLOWED in clinimcl/building.py"
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
    partial = settings.pop("_partial_", False)
    _bind(target, {**settings, "_partial_": partial}, key)
    if partial:
        return functools.partial(target, **settings)
    return target(**settings)


def _bind(target: Any, settings: dict[str, Any], key: str) -> None:
    signature = inspect.signature(target)
    partial = settings.pop("_partial_", False)
    try:
        (signature.bind_partial if partial else signature.bind)(**settings)
    except TypeError as error:
        takes = ", ".join(signature.parameters)
        raise UserError(f"{key}: {target.__qualname__} {error}; it takes {takes}") from None
