"""Slices of a prepared volume as people look at them."""

import numpy as np
from jaxtyping import Shaped

# plane: axis that is cut, and what stands at the left and the right of the picture
PLANES = {"axial": (2, "R", "L"), "coronal": (1, "R", "L"), "sagittal": (0, "P", "A")}


def middle_slice(volume: Shaped[np.ndarray, "x y z"], plane: str) -> Shaped[np.ndarray, "row column"]:
    """The middle slice of a volume in RAS order, as it is shown, first row at the top.

    Anterior is up in axial slices, superior in the others; the subject's right is at the left, as
    radiologists look at it, and in sagittal slices the face is at the right.
    """
    axis, left, _ = PLANES[plane]
    upright = volume.take(volume.shape[axis] // 2, axis=axis).T[::-1]
    return upright[:, ::-1] if left == "R" else upright
