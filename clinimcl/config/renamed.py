"""Classes by the names that configurations of earlier versions hold."""

from collections.abc import Mapping
from typing import Any

COHORTS = {
    "adni": "Adni",
    "bids": "Bids",
    "blues": "Blues",
    "caps": "Caps",
    "freesurfer": "FreeSurfer",
    "lus": "Lus",
    "oasis2": "Oasis2",
    "oasis3": "Oasis3",
    "oasis3_tensors": "Oasis3Tensors",
    "table": "Table",
}
RENAMED = {
    **{
        f"clinimcl.data.{module}.{name}DataModule": f"clinimcl.data.datamodules.{name}DataModule"
        for module, name in COHORTS.items()
    },
    "clinimcl.data.longitudinal.Loading": "clinimcl.data.datamodule.Loading",
    "clinimcl.modules.schedule.one_cycle": "clinimcl.training.schedule.one_cycle",
    "clinimcl.modules.step.Step": "clinimcl.training.compilation.Step",
    "clinimcl.preparation.engine.Dask": "clinimcl.preparation.engines.engine.Dask",
    "clinimcl.preparation.engine.Local": "clinimcl.preparation.engines.engine.Local",
    "clinimcl.preparation.slurm.DaskOnSlurm": "clinimcl.preparation.engines.slurm.DaskOnSlurm",
}


def with_new_names(node: Any) -> Any:
    """A plain configuration in which every `_target_` has the name of today."""
    if isinstance(node, Mapping):
        return {key: _renamed(value) if key == "_target_" else with_new_names(value) for key, value in node.items()}
    if isinstance(node, list):
        return [with_new_names(value) for value in node]
    return node


def _renamed(target: Any) -> Any:
    return RENAMED.get(target, target) if isinstance(target, str) else target
