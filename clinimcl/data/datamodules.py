"""The LightningDataModule of each cohort."""

from typing import final

from clinimcl.cohorts.adni import Adni
from clinimcl.cohorts.bids import Bids
from clinimcl.cohorts.blues import Blues
from clinimcl.cohorts.caps import Caps
from clinimcl.cohorts.freesurfer import FreeSurfer
from clinimcl.cohorts.lus import Lus
from clinimcl.cohorts.oasis2 import Oasis2
from clinimcl.cohorts.oasis3 import Oasis3
from clinimcl.cohorts.oasis3_tensors import Oasis3Tensors
from clinimcl.cohorts.table import Table
from clinimcl.data.datamodule import LongitudinalDataModule


@final
class AdniDataModule(LongitudinalDataModule):
    cohort: Adni


@final
class BidsDataModule(LongitudinalDataModule):
    cohort: Bids


@final
class BluesDataModule(LongitudinalDataModule):
    cohort: Blues


@final
class CapsDataModule(LongitudinalDataModule):
    cohort: Caps


@final
class FreeSurferDataModule(LongitudinalDataModule):
    cohort: FreeSurfer


@final
class LusDataModule(LongitudinalDataModule):
    cohort: Lus


@final
class Oasis2DataModule(LongitudinalDataModule):
    cohort: Oasis2


@final
class Oasis3DataModule(LongitudinalDataModule):
    cohort: Oasis3


@final
class Oasis3TensorsDataModule(LongitudinalDataModule):
    cohort: Oasis3Tensors


@final
class TableDataModule(LongitudinalDataModule):
    cohort: Table
