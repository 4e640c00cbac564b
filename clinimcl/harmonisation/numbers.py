"""What harmonises, as a file of plain numbers: it stays with a run and travels with an exported model."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from clinimcl.config.settings import HARMONISATIONS
from clinimcl.errors import UserError
from clinimcl.harmonisation.combat import Harmonisation, harmonise
from clinimcl.harmonisation.covariates import Covariates
from clinimcl.storage.files import write_json

FILE = "harmonisation.json"
BY_SITE = ("effects", "shift", "variance")
BY_DIMENSION = ("mean", "scale", "ratio")


def write_harmonisation(fitted: Harmonisation, path: Path) -> None:
    """Numbers as JSON holds them, which are read back as the same ones."""
    arrays = {name: getattr(fitted, name).tolist() for name in (*BY_SITE, *BY_DIMENSION, "weights")}
    plain = {"method": fitted.method, "factor": fitted.factor, "sites": fitted.sites}
    write_json({**plain, "covariates": fitted.covariates._asdict(), **arrays}, path)


def read_harmonisation(path: Path) -> Harmonisation:
    """
    Raises:
        UserError: the file is missing, or holds something else.
    """
    try:
        return checked(parsed(json.loads(path.read_text("utf-8"))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} must hold what harmonises embeddings, and cannot be read ({type(error).__name__}): train or "
            "export the model again"
        ) from None


def parsed(held: dict[str, Any]) -> Harmonisation:
    """Raises KeyError, TypeError or ValueError for anything else than what was written."""
    arrays = {name: np.array(held[name], float) for name in (*BY_SITE, *BY_DIMENSION)}
    weights = np.array(held["weights"], float).reshape(-1, len(arrays["mean"]))
    covariates = Covariates(**held["covariates"])
    return Harmonisation(
        method=held["method"],
        factor=held["factor"],
        sites=[str(name) for name in held["sites"]],
        covariates=covariates,
        weights=weights,
        **arrays,
    )


def checked(fitted: Harmonisation) -> Harmonisation:
    """Raises ValueError: shapes do not fit together, or numbers are not possible."""
    width = fitted.mean.shape
    shapes = [getattr(fitted, name).shape for name in BY_DIMENSION]
    by_site = [getattr(fitted, name).shape for name in BY_SITE]
    if fitted.method not in HARMONISATIONS or any(shape != width for shape in shapes):
        raise ValueError("dimensions")
    if any(shape != (len(fitted.sites), *width) for shape in by_site):
        raise ValueError("sites")
    if len(fitted.weights) != len(fitted.covariates.names):
        raise ValueError("covariates")
    numbers = np.concatenate([getattr(fitted, name).ravel() for name in (*BY_SITE, *BY_DIMENSION, "weights")])
    if not np.isfinite(numbers).all() or min(fitted.variance.min(), fitted.scale.min()) <= 0:
        raise ValueError("numbers")
    return fitted


def harmonise_asked(
    fitted: Harmonisation,
    vectors: Float[np.ndarray, "scan dimension"],
    sites: Sequence[str | None],
    subjects: Sequence[object],
) -> tuple[Float[np.ndarray, "scan dimension"], Bool[np.ndarray, " scan"]]:
    """As a model is asked: about scans of people of whom nothing else is known, told apart by `subjects`.

    Gives which scans are harmonised, too; those of a site that was not fitted stay as they are.
    """
    scans = pd.DataFrame({"subject": list(subjects), fitted.factor: list(sites)}, dtype=object)
    return harmonise(fitted, vectors, scans)
