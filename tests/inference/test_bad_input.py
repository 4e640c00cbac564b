"""What is wrong with a scan or a model is told in the terminal and on the page alike."""

import gzip
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from clinimcl.inference.card import SUMS, write_sums
from tests.inference.asking import ended
from tests.inference.heads import head, nifti


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def png():
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(buffer, "png")
    return buffer.getvalue()


PACKED = gzip.compress(nifti(head(2)))
SCANS = {
    "not a scan": ("later.nii", b"hello" * 100, "not a NIfTI file"),
    "truncated": ("later.nii.gz", PACKED[:-100], "truncated: the gzip stream ends early"),
    "flipped bits": ("later.nii.gz", flipped(PACKED), "damaged: the gzip stream fails its check"),
    "4-D": ("later.nii", nifti(np.stack([head(2)] * 2, axis=-1)), "has 4 axes"),
    "wrong modality": ("later.png", png(), "it is a video or a still, and the model was trained on volumes"),
    "unknown format": ("later.scan", PACKED, "its name tells no format that is read"),
    "format of another tool": ("later.webp", PACKED, "a picture's: ImageMagick or Pillow saves it as .png"),
    "tensor": ("later.pt", b"", "tensors are not answered"),
    "empty": ("later.nii", b"", "the file is empty"),
}


@pytest.mark.parametrize("fault", SCANS)
def test_a_bad_scan_is_told_alike_in_the_terminal_and_on_the_page(clinimcl, serving, folder, tmp_path, fault):
    name, content, words = SCANS[fault]
    (tmp_path / "earlier.nii").write_bytes(nifti(head(1)))
    (tmp_path / name).write_bytes(content)
    settings = [f"model={folder}", "earlier=earlier.nii", f"later={name}", "out=out"]
    terminal = clinimcl("predict", *settings, cwd=tmp_path)
    page = ended(serving(), {"earlier": ("earlier.nii", nifti(head(1))), "later": (name, content)})
    assert terminal.returncode == 2 and page["state"] == "refused"
    assert terminal.stderr == f"clinimcl: {page['said'][0]}\n"
    assert page["said"][0].startswith("the later scan cannot be used: ") and words in page["said"][0]


def incomplete(folder):
    (folder / "classifier.onnx").unlink()


def changed(folder):
    (folder / "encoder.onnx").write_bytes(flipped((folder / "encoder.onnx").read_bytes()))


def newer(folder):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"format": 99}))
    (folder / SUMS).unlink()
    write_sums(folder)


MODELS = {
    incomplete: "is incomplete: classifier.onnx is missing; copy the whole folder again",
    changed: "encoder.onnx is damaged or was changed: its SHA-256 is not that of SHA256SUMS; copy it again",
    newer: "has format 99, this version of clinimcl reads up to 2: install a newer clinimcl",
}


@pytest.mark.parametrize("spoil", MODELS)
def test_a_bad_model_is_told_alike_by_predict_and_serve(clinimcl, folder, tmp_path, spoil):
    spoil(shutil.copytree(folder, tmp_path / "model"))
    asked = clinimcl("predict", "model=model", "earlier=a.nii", "later=b.nii", "out=out", cwd=tmp_path)
    served = clinimcl("serve", "model=model", "port=0", cwd=tmp_path)
    assert asked.returncode == served.returncode == 2
    assert asked.stderr == served.stderr and MODELS[spoil] in asked.stderr
