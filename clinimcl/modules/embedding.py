"""Trained checkpoints → embeddings of a cohort's scans, and the voxels they are compared with."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch.utils.data import DataLoader

from clinimcl.modules.contrastive import ContrastivePretraining
from clinimcl.modules.score import ScorePretraining
from clinimcl.preparation.store.store import Store

MOST_TRAINING_SUBJECTS = 200  # enough to fit an axis of change
MOST_SIDE = 48  # voxels: raw voxels are compared at this resolution at most


def rows_to_embed(scans: pd.DataFrame) -> list[int]:
    """Every test scan, and the scans of the first training subjects that have two sessions."""
    sessions = scans[scans["split"] == "train"].groupby("subject", sort=False)["session"].nunique()
    wanted = set(sessions.index[sessions > 1][:MOST_TRAINING_SUBJECTS])
    return scans.index[(scans["split"] == "test") | scans["subject"].isin(wanted)].tolist()


@torch.inference_mode()
def embed(module: ContrastivePretraining | ScorePretraining, loader: DataLoader) -> Float[np.ndarray, "scan embedding"]:
    """In the loader's order."""
    return torch.cat([module(batch.volume.to(module.device)).float().cpu() for batch in loader]).numpy()


@torch.inference_mode()
def validation_losses(module: ContrastivePretraining, loader: DataLoader) -> Float[np.ndarray, " subject"]:
    """The objective of each validation subject's fixed pair, all of them in one batch."""
    outputs = [module.both_views(batch, None) for batch in loader]
    projection = torch.cat([output.projection for output in outputs], dim=1)
    return module.objective(*projection, torch.cat([output.subject for output in outputs])).cpu().numpy()


def voxels(store: Store, scans: pd.DataFrame) -> Float[np.ndarray, "scan voxel"]:
    return flat([store.get(key, checksum) for key, checksum in zip(scans["key"], scans["checksum"], strict=True)])


def flat(volumes: list[np.ndarray]) -> Float[np.ndarray, "scan voxel"]:
    """A row a volume, averaged to at most 48 voxels a side."""
    return np.stack([_reduced(volume).ravel() for volume in volumes])


def mosaic_volumes(store: Store, scans: pd.DataFrame, subjects: int = 4) -> dict[int, Float[np.ndarray, "x y z"]]:
    """The first and the last scan of a few test subjects with two sessions, or one scan of each where none has."""
    test = scans[scans["split"] == "test"].sort_values("day")
    several = test.groupby("subject")["session"].transform("nunique") > 1
    rows: list[int] = []
    for _, own in (test[several] if several.any() else test).groupby("subject", sort=True):
        if len(rows) < 2 * subjects:
            rows += [own.index[0], own.index[-1]] if several.any() else [own.index[0]]
    names = {row: (str(scans.at[row, "key"]), str(scans.at[row, "checksum"])) for row in rows}
    return {row: np.array(store.get(key, checksum), np.float32) for row, (key, checksum) in names.items()}


def pooled(store: Store, scans: pd.DataFrame) -> Float[np.ndarray, "scan pixel"]:
    """Mean intensities of a 7³ grid over a volume, or of a 16² grid over a clip and its frames."""
    arrays = (store.get(key, checksum) for key, checksum in zip(scans["key"], scans["checksum"], strict=True))
    return np.stack([_pooled(array) for array in arrays]).astype(float)


def _pooled(array: np.ndarray) -> Float[np.ndarray, " pixel"]:
    cells = (1, 16, 16) if array.shape[0] < array.shape[1] else (7, 7, 7)
    whole = torch.from_numpy(np.array(array, np.float32))[None]
    return torch.nn.functional.adaptive_avg_pool3d(whole, cells).flatten().numpy()


def _reduced(volume: np.ndarray) -> Float[np.ndarray, "x y z"]:
    pool = torch.nn.AvgPool3d(-(-len(volume) // MOST_SIDE), ceil_mode=True)
    return pool(torch.from_numpy(np.array(volume, np.float32))[None])[0].numpy()
