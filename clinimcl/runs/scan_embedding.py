"""One scan → its embedding, by an exported model (without torch) or by a run."""

import io
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from clinimcl.errors import UserError
from clinimcl.inference.card import CARD, Input
from clinimcl.inference.input_scans import given
from clinimcl.inference.model import Model
from clinimcl.inference.onnx_networks import ENCODER
from clinimcl.inference.prediction import UNLIKE
from clinimcl.storage.files import made_folder, write_bytes

ROLE = "input"  # how the scan is called in sentences


class ScanEmbedding(NamedTuple):
    vector: Float32[np.ndarray, " dimension"]
    flags: list[str]  # what to look at before it is believed, in sentences


def embed_scan(model: Path, scan: str) -> ScanEmbedding:
    """`model` is the folder of an exported model, or of a run.

    A scan unlike those that trained an exported model is embedded, too, with a flag: an embedding answers nothing.

    Raises:
        UserError: the model or the scan cannot be used, or the embedding is not finite.
    """
    if not os.path.exists(scan):
        raise UserError(f"the {ROLE} scan is not there: give the path of a NIfTI file")
    by = _by_run if (model / "config.yaml").is_file() and not (model / CARD).is_file() else _by_export
    embedding = by(model, scan)
    if not np.isfinite(embedding.vector).all():
        raise UserError(f"the {ROLE} scan gives the model no finite numbers")
    return embedding


def write_embedding(model: Path, scan: str, output: Path) -> list[str]:
    """A float32 vector as `numpy.save` writes it, whole or not at all; returns the flags.

    Raises:
        UserError: as `embed_scan`, or `output` is a folder or the scan itself. No file is then left at `output`.
    """
    if output.is_dir():
        raise UserError(f"output={output} is a folder: name a .npy file")
    if output.exists() and os.path.exists(scan) and output.samefile(scan):
        raise UserError("output must be another file than the input")
    if output.suffix != ".npy":
        raise UserError(f"output={output} must end with .npy")
    output.unlink(missing_ok=True)  # of another scan
    embedding = embed_scan(model, scan)
    made_folder(output.parent, "the folder of output")
    content = io.BytesIO()
    np.save(content, embedding.vector, allow_pickle=False)
    write_bytes(content.getvalue(), output)
    return embedding.flags


def _by_export(folder: Path, scan: str) -> ScanEmbedding:
    model = Model(folder)
    prepared = given(ROLE, scan, model.pipeline, model.parts.input).prepared
    vector = model.networks.run(ENCODER, volume=model.seen(prepared)[None])[0]
    unlike = model.unlikeness(prepared, vector)
    flags = [
        f"the {ROLE} scan {UNLIKE[name]} ({value:.3g} times the limit)" for name, value in unlike.items() if value > 1
    ]
    return ScanEmbedding(vector.astype(np.float32), flags)


def _by_run(run: Path, scan: str) -> ScanEmbedding:
    import torch

    from clinimcl.config.building import build
    from clinimcl.preparation.frames import as_frames
    from clinimcl.preparation.pipeline import VolumePipeline
    from clinimcl.runs import components, stages
    from clinimcl.runs.folder import settings_of

    settings = settings_of(run)
    if settings.cohort.get("mask") is not None:
        raise UserError(f"run={run} was trained on masked scans (cohort.mask), and a mask is not taken here")
    components.hush()
    pipeline, slices = build(settings.preparation, "preparation"), settings.loading["slices"]
    kind = "volume" if isinstance(pipeline, VolumePipeline) else "clip"
    wanted = Input(kind=kind, preparation=settings.preparation, slices=slices, shape=[], thickest=None)
    prepared = given(ROLE, scan, pipeline, wanted).prepared
    seen = prepared if slices is None else as_frames(prepared, slices)
    module = stages.pretrained(settings, run).eval()
    with torch.inference_mode():
        vector = module(torch.from_numpy(np.ascontiguousarray(seen))[None, None]).float().numpy()[0]
    return ScanEmbedding(vector, [])
