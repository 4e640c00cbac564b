"""The data module of `cohort=oasis3_tensors`."""

from typing import final

from clinimcl.cohorts.oasis3_tensors import Oasis3Tensors
from clinimcl.data.datamodule import LongitudinalDataModule


@final
class Oasis3TensorsDataModule(LongitudinalDataModule):
    cohort: Oasis3Tensors
