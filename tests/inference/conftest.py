import dataclasses

import numpy as np
import pytest
import torch

from clinimcl.encoders.change_classifier import ChangeClassifier
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.inference import card, selftest
from clinimcl.inference.familiarity import Reference, appearance, people
from clinimcl.inference.model import Model
from clinimcl.inference.networks import Networks
from clinimcl.inference.references import References, Trajectories, write_references
from clinimcl.modules.onnx_files import write_network
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.reading import decode_nifti
from tests.inference.heads import head, nifti

PIPELINE = {"grid": 8, "field_of_view": 160.0, "percentile": 99.5, "align": "none", "spacing": None}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """An exported model of an untrained encoder, for heads like `head(seed)`."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    encoder = CNN3d(grid=8, channels=[4, 4], groups=2, embedding=6).eval()
    classifier = ChangeClassifier(6, combine="difference", hidden=[5], dropout=0.0).eval()
    seen = torch.from_numpy(selftest.made_up([8, 8, 8]))
    write_network(encoder, {"volume": seen}, "embedding", folder / "encoder.onnx")
    embedding = encoder(seen).detach()
    write_network(classifier, {"earlier": embedding, "later": embedding.flip(0)}, "logits", folder / "classifier.onnx")
    networks = Networks(folder, ["encoder", "classifier"])
    selftest.write_selftest(networks, [8, 8, 8], folder)
    pipeline = FieldOfView(**PIPELINE)
    heads = np.stack([pipeline.prepare(decode_nifti(nifti(head(seed)))) for seed in range(100, 140)])
    vectors = networks.run("encoder", volume=heads[:, None].astype(np.float32))
    known = [_reference(np.stack([appearance(each, "volume") for each in heads])), _reference(vectors)]
    courses = Trajectories(vectors.mean(axis=0), np.eye(2, 6), np.arange(40) // 2, vectors[:, :2])
    write_references(References(*known, courses, people(vectors.mean(axis=0), np.eye(6), 0.1 * np.eye(6))), folder)
    parts = card.Typed(
        card.Input(
            kind="volume",
            preparation={"_target_": "clinimcl.preparation.pipeline.FieldOfView", **PIPELINE},
            slices=None,
            shape=[8, 8, 8],
            thickest=40.0,
        ),
        None,
        card.Calibration(temperature=1.0, stable=0.0, pairs=40, subjects=20, least=0.2),
        card.Limits(appearance=2.0, embedding=3.0, likeness=-100.0),
    )
    told = {
        "cohorts": ["Made up"],
        "generated": True,
        "counts": {"train": {"subjects": 40, "scans": 40}},
        "licence": "none",
        "score": "MMSE",
        "rule": "A change is a difference of at least 3 (higher is better).",
        "metrics": {},
        "absent": {},
        "reliability": [],
        "versions": {},
    }
    fields = {name: dataclasses.asdict(getattr(parts, name)) for name in ("input", "calibration", "limits")}
    made = card.Card(format=1, name="tiny", score=None, files=card.digests(folder), told=told, **fields)
    card.write_card(made, folder)
    card.write_sums(folder)
    return folder


def _reference(values):
    covariance = np.cov(values.T.astype(float)) + 1e-4 * np.eye(values.shape[1])
    return Reference(values.mean(axis=0), np.linalg.inv(covariance))


@pytest.fixture(scope="session")
def model(folder):
    return Model(folder)
