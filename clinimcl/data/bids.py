"""The data module of `cohort=bids`."""

from typing import final

from clinimcl.cohorts.bids import Bids
from clinimcl.data.datamodule import LongitudinalDataModule


@final
class BidsDataModule(LongitudinalDataModule):
    cohort: Bids
