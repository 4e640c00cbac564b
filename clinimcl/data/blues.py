"""The data module of `cohort=blues`."""

from typing import final

from clinimcl.cohorts.blues import Blues
from clinimcl.data.datamodule import LongitudinalDataModule


@final
class BluesDataModule(LongitudinalDataModule):
    cohort: Blues
