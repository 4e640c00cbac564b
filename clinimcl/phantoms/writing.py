"""Writes a phantom cohort into a folder, on several cores, whole or not at all."""

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from rich.progress import track

from clinimcl.config.settings import PhantomSettings
from clinimcl.errors import UserError
from clinimcl.phantoms.brain.cohort import sample_member
from clinimcl.phantoms.brain.parameters import BRAIN, BRAIN_CHANGE, BrainParameters, digest, with_scanners
from clinimcl.phantoms.layouts import adni, bids, oasis2, oasis3
from clinimcl.phantoms.lung import cohort as lung_cohort
from clinimcl.phantoms.lung import member as lung_member
from clinimcl.phantoms.lung.parameters import LUNG

DESCRIPTION = "phantom.json"
TRUTH = "phantom_truth.csv"


class Layout(NamedTuple):
    """A phantom and the cohort in whose form it is written. Members and parameters are the phantom's own types."""

    phantom: str
    parameters: Any  # a frozen dataclass
    sample_member: Callable[[int, int, Any], Any]  # seed, number, parameters
    write_member: Callable[[Path, Any, Any], list[dict[str, object]]]  # gives the rows of the truth
    write_tables: Callable[[Path, list[Any]], None]


LAYOUTS = {
    "oasis3": Layout("brain", BRAIN, sample_member, oasis3.write_member, oasis3.write_tables),
    "oasis2": Layout("brain", BRAIN, sample_member, oasis2.write_member, oasis2.write_tables),
    "bids": Layout("brain", BRAIN, sample_member, bids.write_member, bids.write_tables),
    "adni": Layout("brain", BRAIN_CHANGE, sample_member, adni.write_member, adni.write_tables),
    "lung": Layout("lung", LUNG, lung_member.sample_member, lung_cohort.write_member, lung_cohort.write_tables),
}


def layout_named(name: str) -> Layout:
    """Raises: UserError for a name that is none."""
    if name not in LAYOUTS:
        raise UserError(f"layout must be one of {', '.join(LAYOUTS)}, got {name}")
    return LAYOUTS[name]


def write_phantom(settings: PhantomSettings) -> bool:
    """As `write_cohort`, of the settings of a command.

    Raises:
        UserError: scanners are asked of a layout without.
    """
    parameters = layout_named(settings.layout).parameters
    if isinstance(parameters, BrainParameters):
        parameters = replace(parameters, spacing=settings.spacing)
        parameters = with_scanners(parameters, settings.scanners, settings.travelling)
    elif settings.scanners is not None or settings.travelling:
        raise UserError(
            f"scanners and travelling are of brains, and layout={settings.layout} is of lungs: leave them out"
        )
    return write_cohort(
        Path(settings.out),
        layout=settings.layout,
        subjects=settings.subjects,
        seed=settings.seed,
        parameters=parameters,
        workers=settings.workers,
    )


def write_cohort(
    out: Path,
    layout: str,
    subjects: int,
    seed: int,
    parameters: Any = None,
    workers: int | None = None,
) -> bool:
    """Writes into `<out>.partial`, then renames. False where the very same phantom is there already.

    `parameters` default to those of the layout; `workers` to the cores of this process, 1 stays in it.
    """
    out = Path(out)
    chosen = layout_named(layout)
    parameters = chosen.parameters if parameters is None else parameters
    description = _description(layout, subjects, seed, parameters)
    if _is_there(out, description):
        return False
    partial_folder = out.with_name(out.name + ".partial")
    shutil.rmtree(partial_folder, ignore_errors=True)
    try:
        partial_folder.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"out={out} cannot be written ({error.strerror}): name another folder") from error
    try:
        job = partial(_write_one, partial_folder, layout, seed, parameters)
        rows = _run(job, subjects, workers or os.cpu_count() or 1)
        members = [chosen.sample_member(seed, index, parameters) for index in range(subjects)]
        chosen.write_tables(partial_folder, members)
        pd.DataFrame(rows).to_csv(partial_folder / TRUTH, index=False)
        (partial_folder / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
        if out.exists():
            out.rmdir()
        os.replace(partial_folder, out)
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)
    return True


def _description(layout: str, subjects: int, seed: int, parameters: Any) -> dict[str, object]:
    if subjects < 1:
        raise UserError(f"subjects must be at least 1, got {subjects}")
    if seed < 0:
        raise UserError(f"seed must not be negative, got {seed}")
    if isinstance(parameters, BrainParameters) and not 0.5 <= parameters.spacing <= 17:
        raise UserError(f"spacing must be between 0.5 and 17 mm, got {parameters.spacing:g}")
    return {
        "phantom": LAYOUTS[layout].phantom,
        "layout": layout,
        "subjects": subjects,
        "seed": seed,
        "digest": digest(parameters),
        "parameters": json.loads(json.dumps(asdict(parameters))),
    }


def _is_there(out: Path, description: dict[str, object]) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    file = out / DESCRIPTION
    if file.is_file() and json.loads(file.read_text()) == description:
        return True
    raise UserError(
        f"{out} must be empty or absent, or hold this same phantom, but holds something else: "
        "name another folder with out=, or remove this one"
    )


def _write_one(out: Path, layout: str, seed: int, parameters: Any, index: int) -> list[dict[str, object]]:
    member = LAYOUTS[layout].sample_member(seed, index, parameters)
    return LAYOUTS[layout].write_member(out, member, parameters)


def _run(job: Callable[[int], list[dict[str, object]]], subjects: int, workers: int) -> list[dict[str, object]]:
    """The truth rows of all subjects, in their order."""
    if workers == 1:
        return [row for index in track(range(subjects), "phantom") for row in job(index)]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        results = track(pool.map(job, range(subjects)), "phantom", total=subjects)
        return [row for rows in results for row in rows]
