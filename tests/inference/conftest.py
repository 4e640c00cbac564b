import pytest
import torch

from benchmarks.untrained import export_untrained, networks
from clinimcl.encoders.change_classifier import ChangeClassifier
from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.inference.card import Limits
from clinimcl.inference.model import Model
from clinimcl.preparation.pipeline import FieldOfView
from clinimcl.preparation.reading import decode_nifti
from tests.inference.heads import head, nifti


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """An exported model of an untrained encoder, for heads like `head(seed)`."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    encoder = CNN3d(grid=8, channels=[4, 4], groups=2, embedding=6)
    classifier = ChangeClassifier(6, combine="difference", hidden=[5], dropout=0.0)
    pipeline = FieldOfView(grid=8, field_of_view=160.0, percentile=99.5, align="none", spacing=None)
    heads = [pipeline.prepare(decode_nifti(nifti(head(seed)))) for seed in range(100, 140)]
    limits = Limits(appearance=2.0, embedding=3.0, likeness=-100.0)
    export_untrained(folder, networks(encoder, classifier), pipeline, heads, limits)
    return folder


@pytest.fixture(scope="session")
def model(folder):
    return Model(folder)
