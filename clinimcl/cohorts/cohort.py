"""What every cohort can be asked."""

import posixpath
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import pandas as pd

from clinimcl.cohorts.contradictions import contradictions
from clinimcl.cohorts.files.endings import stem_of
from clinimcl.cohorts.files.unread import told_unread
from clinimcl.cohorts.labels import refuse_two_names
from clinimcl.cohorts.orientation_codes import CODES
from clinimcl.cohorts.schema import SCANS, complete, validate
from clinimcl.cohorts.splits import Splitting, assign, check
from clinimcl.errors import UserError
from clinimcl.storage.tree import connect


class Reading(NamedTuple):
    scans: pd.DataFrame  # schema.SCANS
    audit: pd.DataFrame  # visits.AUDIT: how each scan came to its score; no rows where nothing was matched
    remarks: tuple[str, ...] = ()  # sentences with counts: what a user must know of how the tables were read


@dataclass(frozen=True, kw_only=True)
class Cohort(ABC):
    """A study's files and what is wanted of them.

    mask is the path of each scan's brain mask, relative to the scan's folder, absolute or a URL, in which
    {stem} (the scan's file name up to .nii, .mgz or another ending), {subject}, {session} and {root} are filled in.
    """

    obtain: ClassVar[str]  # how to get such data, and the phantom that stands in for them

    root: str
    score: str | None  # None where no health score is wanted
    higher_is: str | None  # "better", "worse"; None where the score's direction is known
    mask: str | None
    spacing: Sequence[float | int] | None  # millimetres, instead of the headers'
    fold: int | None  # 0 to 4
    split: Splitting
    change_threshold: float | int | None = None  # of the score; None for the known rule, or half a standard deviation
    change_bins: Sequence[float | int] | None = None  # edges whose crossing is a change
    orientation: str | None = None  # directions toward which stored axes run, where headers do not say
    groups: Sequence[str] = ()  # further columns of the tables, by which results are compared

    def __post_init__(self) -> None:
        if self.spacing is not None and (len(self.spacing) != 3 or min(self.spacing) <= 0):
            raise UserError(f"cohort.spacing must be three positive millimetres [x,y,z], got {list(self.spacing)}")
        if self.orientation is not None and self.orientation not in CODES:
            raise UserError(
                "cohort.orientation must be three letters, the directions toward which stored axes run (L or R, P or "
                f"A, I or S in any order, such as LAS), got {self.orientation}"
            )

    @abstractmethod
    def read(self) -> Reading:
        """The scan table as the files tell it, without split; days from any origin, one for each subject.

        Raises: UserError for whatever is missing or cannot be read, and when there is no scan.
        """

    def table(self) -> Reading:
        """The finished scan table: days from each subject's first session, split, validated; remarks are printed.

        Raises: UserError.
        """
        scans, audit, remarks = self.read()
        _show(remarks)
        self._require_scores(scans)
        scans = validate(complete(scans))
        refuse_two_names(scans)
        against = contradictions(scans)
        _show(against)
        scans = scans.assign(
            day=scans["day"] - scans.groupby("subject")["day"].transform("min"),
            mask=self._masks(scans),
        )
        scans = assign(scans, self.split, self.fold)
        check(scans)
        return Reading(validate(scans), audit, remarks + against)

    def extra_columns(self) -> list[str]:
        """Columns that are asked for and the scan table does not have by itself: readers look for them."""
        splitting = [name for name in self.split.columns if name not in SCANS.columns or name == "split"]
        return list(dict.fromkeys([*splitting, *self.groups]))

    def _require_scores(self, scans: pd.DataFrame) -> None:
        if self.score is not None and scans["score"].isna().all():
            raise UserError(
                f"cohort.score={self.score}: none of the {len(scans)} scans has a value; check that the table that "
                "holds it names subjects and sessions (or days) as the scans do"
            )

    def _masks(self, scans: pd.DataFrame) -> pd.Series:
        if self.mask is None:
            return scans["mask"]
        rows = zip(scans["path"], scans["subject"], scans["session"], strict=True)
        return pd.Series([self._mask(*row) for row in rows], index=scans.index)

    def _mask(self, path: str, subject: str, session: str) -> str:
        folder, name = posixpath.split(path)
        stem = stem_of(name)
        root = self.root.rstrip("/") if "://" in self.root else connect(self.root)[1]
        try:
            filled = str(self.mask).format(stem=stem, subject=subject, session=session, root=root)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise UserError(
                f"cohort.mask={self.mask} may hold {{stem}}, {{subject}}, {{session}} and {{root}}, nothing else in "
                "braces"
            ) from error
        whole = filled if "://" in filled else posixpath.join(folder, filled)
        return whole if "://" in whole else posixpath.normpath(whole)


def _show(remarks: Sequence[str]) -> None:
    for remark in remarks:
        print(remark, file=sys.stderr)


def no_scans(found: str, where: str, expected: str, obtain: str, files: Sequence[str]) -> UserError:
    """The sentence for a cohort that is there and empty.

    Args:
        found: what was looked for. expected: how such a file would be named. files: all that are there.
    """
    return UserError(f"no {found} below {where}: expected files such as {expected}. {told_unread(files)}{obtain}")
