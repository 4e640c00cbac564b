"""The data module of `cohort=adni`."""

from typing import final

from clinimcl.cohorts.adni import Adni
from clinimcl.data.datamodule import LongitudinalDataModule


@final
class AdniDataModule(LongitudinalDataModule):
    cohort: Adni
