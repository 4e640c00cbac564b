"""The data module of `cohort=freesurfer`."""

from typing import final

from clinimcl.cohorts.freesurfer import FreeSurfer
from clinimcl.data.datamodule import LongitudinalDataModule


@final
class FreeSurferDataModule(LongitudinalDataModule):
    cohort: FreeSurfer
