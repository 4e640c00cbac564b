"""Embeddings and labels → the items that are examined."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from clinimcl.cohorts.tables.parsing import names_each, words
from clinimcl.errors import UserError
from clinimcl.evaluation.exam.embedding_files import SUBJECT, Embeddings, with_subject
from clinimcl.pseudonyms import keyed

KEYS = ("subject", "session")
MOST_NAMES = 10  # numbers of more different values are no names of classes or groups


class Question(NamedTuple):
    """The classes that are probed for, and the groups."""

    column: str  # of classes
    groups: tuple[str, ...]  # columns of those between whom the answers should be alike
    least: int  # subjects of a class

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys([self.column, *self.groups]))


class Items(NamedTuple):
    """A row an item: the mean of a subject's scans that have one label.

    A subject with two labels is two items, which always stay in the same part of a split.
    """

    subject: Int[np.ndarray, " item"]  # counted from 0
    label: Int[np.ndarray, " item"]
    vectors: dict[str, Float[np.ndarray, "item dimension"]]  # by source: embeddings, beside
    classes: list[str]
    groups: pd.DataFrame  # an item a row, a variable a column; missing where unknown

    @property
    def subjects(self) -> int:
        return int(self.subject.max()) + 1

    def subjects_a_class(self) -> Int[np.ndarray, " class"]:
        return np.bincount(self.label, minlength=len(self.classes))


class Labelled(NamedTuple):
    """The scans with a label."""

    scans: pd.DataFrame  # text: subject, the column of classes, those of groups
    vectors: Float[np.ndarray, "scan dimension"]
    left_out: int  # scans without a label


def pseudonymous(labels: pd.DataFrame, key: bytes | None) -> pd.DataFrame:
    """The labels by `subject`; with a key, by the pseudonym that it gives each."""
    table = with_subject(labels, "labels=...")
    if key is None:
        return table
    names = keyed(table["subject"].unique(), key)
    return table.assign(subject=table["subject"].map(names))


def labelled(embeddings: Embeddings, labels: pd.DataFrame | None, question: Question) -> Labelled:
    """Each scan with the classes of its subject, or of its session where both tables have sessions.

    Without `labels` the columns are those beside the embeddings.

    Raises:
        UserError: a column is not there, a subject's label is ambiguous, or no scan has a label.
    """
    table = embeddings.rows if labels is None else labels
    where = "labels=..." if labels is not None else "the table of embeddings (or give labels=FILE)"
    _check_columns(table, question, where)
    wanted = question.columns
    if labels is None:
        scans_labels = embeddings.rows[["subject", *wanted]]
    else:
        on = [key for key in KEYS if key in labels and key in embeddings.rows]
        scans_labels = embeddings.rows[on].merge(_one_row_each(labels, on, wanted), on=on, how="left")
    scans_labels = scans_labels.assign(**{name: words(scans_labels[name].fillna("")) for name in wanted})
    for name in wanted:
        _check_shared(scans_labels["subject"], scans_labels[name], question)
    known = scans_labels[question.column].notna().to_numpy(bool)
    if not known.any():
        raise UserError(_nobody(embeddings.rows, table, question.column))
    scans = scans_labels[known].reset_index(drop=True)
    return Labelled(scans, embeddings.vectors[known], int((~known).sum()))


def items_of(by_source: dict[str, Labelled], question: Question) -> Items:
    """An item a subject and label that every source embedded.

    Raises:
        UserError: there are not two classes, or too few subjects of one.
    """
    means = {name: _means(labelled, question.column) for name, labelled in by_source.items()}
    first, *others = means.values()
    shared = first.index
    for other in others:
        shared = shared.intersection(other.index)
    if not len(shared):
        raise UserError("embeddings=... and beside=... have no subject with the same label in common")
    shared = shared.sort_values()
    classes = sorted(shared.get_level_values(1).unique())
    items = Items(
        subject=pd.factorize(shared.get_level_values(0))[0].astype(int),
        label=np.searchsorted(classes, shared.get_level_values(1)).astype(int),
        vectors={name: mean.loc[shared].to_numpy(float) for name, mean in means.items()},
        classes=classes,
        groups=_groups(next(iter(by_source.values())).scans, question).loc[shared].reset_index(drop=True),
    )
    _check_classes(items, question)
    return items


def _check_columns(table: pd.DataFrame, question: Question, where: str) -> None:
    missing = [name for name in question.columns if name not in table]
    if missing:
        there = ", ".join(sorted(set(map(str, table.columns)) - set(KEYS)))
        raise UserError(
            f"there is no column {', '.join(missing)} in {where}; there {f'are {there}' if there else 'is no other'}"
        )


def _check_shared(subject: pd.Series, values: pd.Series, question: Question) -> None:
    """
    Raises:
        UserError: the column names subjects or scans, so that it would be written whom it holds.
    """
    name = str(values.name)
    if name.lower() in SUBJECT or names_each(subject, values):
        setting = "column" if name == question.column else "groups"
        raise UserError(
            f"{setting}={name} has a value for each single subject or scan: name a column whose "
            "values many subjects share"
        )


def _one_row_each(labels: pd.DataFrame, on: list[str], wanted: list[str]) -> pd.DataFrame:
    rows = labels[[*on, *(name for name in wanted if name not in on)]].drop_duplicates()
    again = int(rows.duplicated(on).sum())
    if again:
        raise UserError(
            f"labels=... has {again} rows that contradict another of the same {' and '.join(on)}: give one row "
            "each, or a column session as beside the embeddings"
        )
    return rows


def _nobody(embedded: pd.DataFrame, labels: pd.DataFrame, column: str) -> str:
    both = len(set(embedded["subject"]) & set(labels["subject"]))
    return (
        f"no scan has a {column}: {embedded['subject'].nunique()} subjects are embedded, {labels['subject'].nunique()} "
        f"labelled, {both} both; labels of subjects under pseudonyms need key=RUN/pseudonym.key"
    )


def _means(labelled: Labelled, column: str) -> pd.DataFrame:
    by = [labelled.scans["subject"], labelled.scans[column]]
    return pd.DataFrame(labelled.vectors).groupby(by).mean()


def _groups(scans: pd.DataFrame, question: Question) -> pd.DataFrame:
    """Of each item; missing where its scans have several. Numbers are means over the scans."""
    by = [scans["subject"], scans[question.column]]
    columns = {name: scans[name].groupby(by).agg(_common) for name in question.groups}
    return pd.DataFrame(columns, index=scans.groupby(by).size().index)


def _common(values: pd.Series) -> object:
    known = values.dropna().unique()
    if len(known) < 2:
        return known[0] if len(known) else None
    numbers = pd.to_numeric(pd.Series(known), errors="coerce")
    return None if numbers.isna().any() else str(float(numbers.mean()))


def _check_classes(items: Items, question: Question) -> None:
    counts = items.subjects_a_class()
    if len(items.classes) < 2:
        raise UserError(f"column={question.column} must have at least 2 classes, got {', '.join(items.classes)} alone")
    if len(items.classes) > MOST_NAMES and pd.to_numeric(pd.Series(items.classes), errors="coerce").notna().all():
        raise UserError(
            f"column={question.column} holds {len(items.classes)} different numbers: cut it into classes first"
        )
    few = {name: int(count) for name, count in zip(items.classes, counts, strict=True) if count < question.least}
    if few:
        listed = _listed(few, len(items.classes))
        raise UserError(
            f"every class of {question.column} needs at least {question.least} subjects, for 40, 10 and 50 % of them; "
            f"too few: {listed}. Join classes, or leave their cells empty"
        )


def _listed(few: dict[str, int], classes: int) -> str:
    """With names where they are those of classes: a few values, each of several subjects."""
    named = [f"{name} ({count})" for name, count in few.items() if count > 1 and classes <= MOST_NAMES]
    others = len(few) - len(named)
    counted = [f"{others} of {classes} classes"] if others else []
    return " and ".join([*([", ".join(named)] if named else []), *counted])
