"""The data module of `cohort=caps`."""

from typing import final

from clinimcl.cohorts.caps import Caps
from clinimcl.data.datamodule import LongitudinalDataModule


@final
class CapsDataModule(LongitudinalDataModule):
    cohort: Caps
