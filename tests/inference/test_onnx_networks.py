import numpy as np
import pytest
import torch

from clinimcl.encoders.cnn3d import CNN3d
from clinimcl.encoders.resnet18_3d import ResNet18In3d
from clinimcl.encoders.swin import FrameSwin
from clinimcl.encoders.tsm_resnet18 import TsmResNet18
from clinimcl.encoders.vit import FrameViT
from clinimcl.errors import UserError
from clinimcl.exporting.onnx_files import write_network
from clinimcl.inference.onnx_networks import Networks
from clinimcl.inference.selftest import run_selftest

ENCODERS = {
    "cnn3d": (lambda: CNN3d(grid=8, channels=[4, 4], groups=2, embedding=6), (8, 8, 8)),
    "resnet18_3d": (lambda: ResNet18In3d(grid=33), (33, 33, 33)),
    "tsm_resnet18": (lambda: TsmResNet18(shift_share=0.125), (3, 32, 32)),
    "vit": (lambda: FrameViT(side=16, patch=8, embedding=12, layers=1, heads=2), (2, 16, 16)),
    "swin": (lambda: FrameSwin(width=12, depths=[1] * 4, heads=[1, 1, 2, 2], window=2, patch=2), (2, 32, 32)),
}


SLOW = ("resnet18_3d", "swin", "tsm_resnet18")  # to trace


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in ENCODERS])
def test_an_exported_encoder_says_what_torch_says_of_any_number_of_scans(name, tmp_path):
    made, shape = ENCODERS[name]
    torch.manual_seed(0)
    encoder = made().eval()
    write_network(encoder, {"volume": torch.rand(2, 1, *shape)}, "embedding", tmp_path / "encoder.onnx")
    networks = Networks(tmp_path, ["encoder"])
    for scans in (1, 5):
        volume = torch.rand(scans, 1, *shape)
        with torch.inference_mode():
            expected = encoder(volume).numpy()
        np.testing.assert_allclose(networks.run("encoder", volume=volume.numpy()), expected, rtol=1e-4, atol=1e-5)


def test_an_exported_network_names_no_file_of_the_machine_that_wrote_it(folder):
    for path in folder.glob("*.onnx"):
        written = path.read_bytes()
        assert not [word for word in (b".py", b"site-packages", b"clinimcl") if word in written], path.name


def test_what_is_no_network_is_told(tmp_path):
    (tmp_path / "encoder.onnx").write_bytes(b"hello")
    with pytest.raises(UserError, match="cannot be run"):
        Networks(tmp_path, ["encoder"])


def test_the_self_test_that_travels_along_holds(folder):
    cosine, differ = run_selftest(Networks(folder, ["encoder", "classifier"]), folder)
    assert cosine > 0.99999 and differ == 0


def test_another_network_fails_the_self_test(folder, tmp_path):
    torch.manual_seed(1)
    other = CNN3d(grid=8, channels=[4, 4], groups=2, embedding=6)
    write_network(other, {"volume": torch.rand(2, 1, 8, 8, 8)}, "embedding", tmp_path / "encoder.onnx")
    (tmp_path / "classifier.onnx").write_bytes((folder / "classifier.onnx").read_bytes())
    assert run_selftest(Networks(tmp_path, ["encoder", "classifier"]), folder)[0] < 0.99
