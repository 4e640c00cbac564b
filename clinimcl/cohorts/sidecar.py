"""Scanner and site from the JSON beside an image."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from clinimcl.cohorts.tree import Tree

_MODEL = ("ManufacturersModelName", "ManufacturerModelName", "Manufacturer")
_DEVICE = ("DeviceSerialNumber", "StationName")
_SITE = ("InstitutionName", "InstitutionalDepartmentName")


def scanners(tree: Tree, files: pd.Series) -> pd.DataFrame:
    """scanner (model and device, so that two of one model differ) and site; missing where not told or
    unreadable.
    """
    beside = [file.removesuffix(".gz").removesuffix(".nii") + ".json" for file in files]
    found = tree.contents(set(beside).intersection(tree.files))
    facts = [_object(found.get(file, b"{}")) for file in beside]
    rows = [(_scanner(fact), _first(fact, _SITE)) for fact in facts]
    return pd.DataFrame(rows, columns=["scanner", "site"], index=files.index)


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _scanner(facts: dict[str, Any]) -> str | None:
    parts = [part for part in (_first(facts, _MODEL), _first(facts, _DEVICE)) if part]
    return " ".join(parts) or None


def _first(facts: dict[str, Any], names: Sequence[str]) -> str | None:
    return next((str(facts[name]).strip() for name in names if str(facts.get(name, "")).strip()), None)
