"""The data module of `cohort=oasis2`."""

from typing import final

from clinimcl.cohorts.oasis2 import Oasis2
from clinimcl.data.datamodule import LongitudinalDataModule


@final
class Oasis2DataModule(LongitudinalDataModule):
    cohort: Oasis2
