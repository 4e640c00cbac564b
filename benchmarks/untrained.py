"""An exported model of an untrained encoder: it answers nonsense, as fast as a trained one."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import nn

from clinimcl.exporting import trained_networks as exporting
from clinimcl.inference import card, selftest
from clinimcl.inference.onnx_networks import ENCODER, Networks
from clinimcl.inference.out_of_distribution import Reference, appearance, people
from clinimcl.inference.references import References, Trajectories, write_references
from clinimcl.preparation.pipeline import FieldOfView

TOLERANT = card.Limits(appearance=1e6, embedding=1e6, likeness=-1e6)


def export_untrained(
    folder: Path,
    networks: exporting.Networks,
    pipeline: FieldOfView,
    scans: Sequence[np.ndarray],
    limits: card.Limits = TOLERANT,
) -> None:
    """`scans`, prepared, are what the model takes for the training's; `limits` of what is like them."""
    shape = [pipeline.grid] * 3
    exporting.write_networks(networks, shape, folder)
    travels = Networks(folder, exporting.names(networks))
    selftest.write_selftest(travels, shape, folder)
    seen = np.stack(scans).astype(np.float32)
    vectors = travels.run(ENCODER, volume=seen[:, None])
    width = vectors.shape[1]
    courses = Trajectories(vectors.mean(axis=0), np.eye(2, width), np.arange(len(scans)) // 2, vectors[:, :2])
    known = people(vectors.mean(axis=0), np.eye(width), 0.1 * np.eye(width))
    looks = np.stack([appearance(scan, "volume") for scan in seen])
    write_references(References(_reference(looks), _reference(vectors), courses, known), folder)
    parts = {
        "input": card.Input(
            kind="volume",
            preparation={"_target_": "clinimcl.preparation.pipeline.FieldOfView", **dataclasses.asdict(pipeline)},
            slices=None,
            shape=shape,
            thickest=40.0,
        ),
        "calibration": card.Calibration(temperature=1.0, stable=0.0, pairs=40, subjects=20, least=0.2),
        "limits": limits,
    }
    told = {
        "cohorts": ["Made up"],
        "generated": True,
        "counts": {"train": {"subjects": len(scans), "scans": len(scans)}},
    }
    told |= {
        "modality": "noise",
        "licence": "none",
        "score": "MMSE",
        "rule": "A change is a difference of at least 3 (higher is better).",
    }
    told |= {"metrics": {}, "metrics_of_run": {}, "absent": {}, "reliability": [], "versions": {}}
    typed = {name: dataclasses.asdict(part) for name, part in parts.items()}
    made = card.Card(format=card.FORMAT, name="tiny", score=None, files=card.digests(folder), told=told, **typed)
    card.write_card(made, folder)
    card.write_sums(folder)


def networks(encoder: nn.Module, classifier: nn.Module) -> exporting.Networks:
    return exporting.Networks(encoder.eval(), classifier.eval(), None, None, tells_people=True)


def _reference(values: np.ndarray) -> Reference:
    covariance = np.cov(values.T.astype(float)) + 1e-4 * np.eye(values.shape[1])
    return Reference(values.mean(axis=0), np.linalg.inv(covariance))
