"""A trained run, and the cohorts that its encoder is shown afterwards."""

from collections.abc import Sequence
from typing import NamedTuple

import lightning.pytorch as pl
import numpy as np
import pandas as pd
from jaxtyping import Float
from torch.utils.data import DataLoader

from clinimcl.cohorts.cohort import Cohort
from clinimcl.config.building import build
from clinimcl.config.settings import Node, TrainSettings
from clinimcl.data.batches import ScanBatch
from clinimcl.data.datamodule import Loading, LongitudinalDataModule, ScanDataset
from clinimcl.data.volumes import Volumes
from clinimcl.evaluation.probes.inputs import ProbeInputs
from clinimcl.modules.embedding import embed
from clinimcl.preparation.pipeline import Pipeline
from clinimcl.preparation.prepare import prepare
from clinimcl.preparation.store.store import Store
from clinimcl.runs import components, stores


class Shown(NamedTuple):
    """The usable scans of a cohort, prepared as the encoder knows them; nothing is learned from them."""

    cohort: Cohort
    pipeline: Pipeline
    store: Store
    scans: pd.DataFrame
    set_aside: pd.DataFrame
    audit: pd.DataFrame
    remarks: tuple[str, ...]  # of how the cohort's tables were read
    loading: Loading

    def scan_dataloader(self, rows: Sequence[int]) -> DataLoader[ScanBatch]:
        """The scans of these rows of `scans`, in order."""
        volumes = Volumes(self.scans, self.store, self.loading.slices)
        return self.loading.loader(ScanDataset(volumes), self.loading.evaluation_batch, rows)


def shown(settings: TrainSettings, cohort: Node | None, store: str | None) -> Shown:
    """The run's own cohort, or another one, prepared as the run's is.

    Raises:
        UserError: the cohort cannot be read, or too many of its scans cannot be used.
    """
    own = build(settings.cohort if cohort is None else cohort, "cohort")
    pipeline, loading = build(settings.preparation, "preparation"), build(settings.loading, "loading")
    kept = stores.store(settings, own, pipeline, settings.store if cohort is None else store)
    scans, audit, remarks = own.table()
    most, cache = settings.most_set_aside, stores.cache(settings)
    table = prepare(scans, pipeline, kept, build(settings.engine, "engine"), most_set_aside=most, cache=cache).scans
    kept.write_audit(audit)
    usable = table["reason"] == ""
    scans, set_aside = table[usable].reset_index(drop=True), table[~usable]
    return Shown(own, pipeline, kept, scans, set_aside, audit, remarks, loading)


def untrained(settings: TrainSettings) -> components.Pretraining:
    """The run's network as its seed made it."""
    pl.seed_everything(settings.seed, verbose=False)
    return components.module(settings).eval()


def vectors(
    module: components.Pretraining, source: Shown | LongitudinalDataModule, rows: Sequence[int]
) -> Float[np.ndarray, "scan embedding"]:
    """Embeddings of these rows of the source's scans."""
    return embed(module, source.scan_dataloader(rows))


def probe_inputs(
    settings: TrainSettings,
    module: components.Pretraining,
    source: Shown | LongitudinalDataModule,
    splits: Sequence[str] = ("train", "test"),
) -> ProbeInputs:
    """Embeddings of all scans of these splits by the run's encoder, and by the same one untrained."""
    rows = source.scans.index[source.scans["split"].isin(splits)].tolist()
    scans = source.scans.loc[rows].reset_index(drop=True)
    return ProbeInputs(scans, vectors(module, source, rows), vectors(untrained(settings), source, rows))
