"""The bytes of a `.pt` file → the plain tensor that it holds; nothing of it is executed."""

import io
import pickle
import zipfile

import numpy as np
from jaxtyping import Float

from clinimcl.errors import UserError
from clinimcl.preparation.formats.placing import check_voxels
from clinimcl.preparation.formats.scan import UnusableScan


def decode_tensor(content: bytes) -> Float[np.ndarray, "x y z"]:
    """A `.pt` file holding one plain tensor (leading axes of 1 may stand), loaded weights-only.

    Raises:
        UnusableScan: the file holds more than a plain tensor, or no volume.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise UserError("reading .pt files needs torch, not installed: pip install 'clinimcl[train]'") from None

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:  # torch does not compare the archive's checksums
            if archive.testzip() is not None:
                raise UnusableScan("damaged: the tensor file fails its check")
        tensor = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except pickle.UnpicklingError:
        raise UnusableScan(
            "holds more than plain tensors, and loading it could run code; save it again as a plain tensor"
        ) from None
    except Exception:  # what torch raises on bytes that are none of its own can be anything
        raise UnusableScan("damaged: not a tensor file") from None
    if not isinstance(tensor, torch.Tensor):
        raise UnusableScan(f"holds a {type(tensor).__name__}, expected one tensor")
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.is_meta:
        raise UnusableScan("holds a sparse, quantised or complex tensor, expected plain numbers")
    voxels = tensor.detach().squeeze().float().numpy()
    if voxels.ndim != 3 or min(voxels.shape) < 2:
        raise UnusableScan(f"has shape {tuple(tensor.shape)}, expected a volume of 3 axes")
    check_voxels(voxels)
    return voxels
