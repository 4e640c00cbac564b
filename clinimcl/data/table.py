"""The data module of `cohort=table`."""

from typing import final

from clinimcl.cohorts.table import Table
from clinimcl.data.datamodule import LongitudinalDataModule


@final
class TableDataModule(LongitudinalDataModule):
    cohort: Table
