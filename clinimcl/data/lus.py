"""The data module of `cohort=lus`."""

from typing import final

from clinimcl.cohorts.lus import Lus
from clinimcl.data.datamodule import LongitudinalDataModule


@final
class LusDataModule(LongitudinalDataModule):
    cohort: Lus
