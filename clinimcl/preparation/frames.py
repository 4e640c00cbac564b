"""A volume as a clip: its slices are the frames."""

import numpy as np
from jaxtyping import Shaped


def as_frames(volumes: Shaped[np.ndarray, "*batch x y z"], slices: int) -> Shaped[np.ndarray, "*batch slice y x"]:
    """Axial slices evenly over the height, lowest first, anterior at the top of each."""
    levels = ((np.arange(slices) + 0.5) * volumes.shape[-1] / slices).astype(int)
    return np.ascontiguousarray(np.swapaxes(volumes[..., ::-1, levels], -3, -1))
