"""Writes a phantom cohort into a folder, on several cores, whole or not at all."""

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pandas as pd
from rich.progress import track

from clinimcl.errors import UserError
from clinimcl.phantoms import bids, oasis3
from clinimcl.phantoms.cohort import sample_member
from clinimcl.phantoms.parameters import BRAIN, BrainParameters, digest

LAYOUTS = {"oasis3": oasis3, "bids": bids}
DESCRIPTION = "phantom.json"
TRUTH = "phantom_truth.csv"


def write_cohort(
    out: Path,
    layout: str,
    subjects: int,
    seed: int,
    parameters: BrainParameters = BRAIN,
    workers: int | None = None,
) -> bool:
    """Writes into `<out>.partial`, then renames. False where the very same phantom is there already.

    `workers` defaults to the cores of this process; 1 stays in it.
    """
    out = Path(out)
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
        members = [sample_member(seed, index, parameters) for index in range(subjects)]
        LAYOUTS[layout].write_tables(partial_folder, members)
        pd.DataFrame(rows).to_csv(partial_folder / TRUTH, index=False)
        (partial_folder / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
        if out.exists():
            out.rmdir()
        os.replace(partial_folder, out)
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)
    return True


def _description(layout: str, subjects: int, seed: int, parameters: BrainParameters) -> dict[str, object]:
    if layout not in LAYOUTS:
        raise UserError(f"layout must be one of {', '.join(LAYOUTS)}, got {layout}")
    if subjects < 1:
        raise UserError(f"subjects must be at least 1, got {subjects}")
    if seed < 0:
        raise UserError(f"seed must not be negative, got {seed}")
    if not 0.5 <= parameters.spacing <= 20:
        raise UserError(f"spacing must be between 0.5 and 20 mm, got {parameters.spacing:g}")
    return {
        "phantom": "brain",
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


def _write_one(out: Path, layout: str, seed: int, parameters: BrainParameters, index: int) -> list[dict[str, object]]:
    return LAYOUTS[layout].write_member(out, sample_member(seed, index, parameters), parameters)


def _run(job: Callable[[int], list[dict[str, object]]], subjects: int, workers: int) -> list[dict[str, object]]:
    """The truth rows of all subjects, in their order."""
    if workers == 1:
        return [row for index in track(range(subjects), "phantom") for row in job(index)]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        results = track(pool.map(job, range(subjects)), "phantom", total=subjects)
        return [row for rows in results for row in rows]
