"""The data module of `cohort=oasis3`."""

from typing import final

from clinimcl.cohorts.oasis3 import Oasis3
from clinimcl.data.datamodule import LongitudinalDataModule


@final
class Oasis3DataModule(LongitudinalDataModule):
    cohort: Oasis3
