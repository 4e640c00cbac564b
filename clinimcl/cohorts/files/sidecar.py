"""Scanner and site from the JSON beside an image."""

import json
import posixpath
from collections.abc import Sequence
from typing import Any

import pandas as pd

from clinimcl.cohorts.files.endings import stem_of
from clinimcl.cohorts.tables.remarks import Remarks
from clinimcl.storage.pointers import unfetched
from clinimcl.storage.tree import Tree

_MODEL = ("ManufacturersModelName", "ManufacturerModelName", "Manufacturer")
_DEVICE = ("DeviceSerialNumber", "StationName")
_SITE = ("InstitutionName", "InstitutionalDepartmentName")


def scanners(tree: Tree, files: pd.Series, remarks: Remarks) -> pd.DataFrame:
    """scanner (model and device, so that two of one model differ) and site; missing where not told or
    unreadable, which is counted.
    """
    beside = [f"{posixpath.dirname(file)}/{stem_of(posixpath.basename(file))}.json".lstrip("/") for file in files]
    there = set(beside).intersection(tree.files)
    content = tree.contents(there)
    found = {file: _object(content[file]) if file in content else tree.why_unreadable(file) for file in there}
    for why in found.values():
        if isinstance(why, str):
            remarks.count(1, f"JSON files beside scans tell no scanner and no site; each {why}")
    facts = [fact if isinstance(fact := found.get(file), dict) else {} for file in beside]
    rows = [(_scanner(fact), _first(fact, _SITE)) for fact in facts]
    return pd.DataFrame(rows, columns=["scanner", "site"], index=files.index)


def _object(content: bytes) -> dict[str, Any] | str:
    """What the JSON says, or why it says nothing."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return unfetched(content) or "is no JSON"
    return found if isinstance(found, dict) else "is no JSON object"


def _scanner(facts: dict[str, Any]) -> str | None:
    parts = [part for part in (_first(facts, _MODEL), _first(facts, _DEVICE)) if part]
    return " ".join(parts) or None


def _first(facts: dict[str, Any], names: Sequence[str]) -> str | None:
    return next((str(facts[name]).strip() for name in names if str(facts.get(name, "")).strip()), None)
