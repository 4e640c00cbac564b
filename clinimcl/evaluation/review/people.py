"""Who was in each split: age, sex, score, time between visits, site and scanner, with what is missing."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from clinimcl.cohorts.schema import SPLITS
from clinimcl.evaluation.contrastive.retrieval import DAYS_PER_YEAR
from clinimcl.evaluation.durations import time_unit
from clinimcl.evaluation.wording import number

MOST_LEVELS = 12  # of a site or scanner that are listed; the others are counted together
OTHERS = "all others"
COUNTS = ("scans", "sessions")  # of a subject: whole numbers
COLUMNS = (
    *("variable", "level", "split", "subjects", "missing"),
    *("mean", "sd", "q1", "median", "q3", "count", "share", "standardised_difference"),
)


class Variable(NamedTuple):
    """One value a subject."""

    label: str
    values: pd.Series  # indexed by subject
    number: bool


def people_table(scans: pd.DataFrame) -> pd.DataFrame:
    """A row a variable, level and split, "all" among them, of usable scans; `COLUMNS` names what stands in a row.

    Each subject counts once, as at its first scan. The standardised difference is that of test from training subjects.
    """
    split = scans.drop_duplicates("subject").set_index("subject")["split"]
    rows: list[dict[str, object]] = []
    for variable in variables(scans):
        described = described_numbers if variable.number else described_levels
        rows += described(variable, split)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def variables(scans: pd.DataFrame) -> list[Variable]:
    ordered = scans.sort_values(["subject", "day"], kind="stable")
    first = ordered.groupby("subject").first()  # of each column, the first value that is known
    sessions = ordered.drop_duplicates(["subject", "session"])
    score = str(scans["score_name"].iloc[0]) or "score"
    lasting, apart = follow_up(sessions), spacing(sessions)
    unit, per_year = time_unit(apart.to_numpy(float))
    numbers = {
        "age in years, first known": first["age"],
        f"{score}, first known": first["score"],
        "scans": ordered.groupby("subject").size(),
        "sessions": sessions.groupby("subject").size(),
        f"{unit} from the first to the last session": per_year * lasting,
        f"{unit} between sessions, mean": per_year * apart,
    }
    levels = {"sex": first["sex"], "site": of_several(first["site"]), "scanner": of_several(first["scanner"])}
    return [
        *(Variable(label, values.astype(float), True) for label, values in numbers.items()),
        *(Variable(label, values, False) for label, values in levels.items() if values.notna().any()),
    ]


def follow_up(sessions: pd.DataFrame) -> "pd.Series[float]":
    """NaN of subjects with one session."""
    days = sessions.groupby("subject")["day"]
    years = (days.max() - days.min()) / DAYS_PER_YEAR
    return years.where(days.size() > 1)


def spacing(sessions: pd.DataFrame) -> "pd.Series[float]":
    """NaN of subjects with one session."""
    return follow_up(sessions) / (sessions.groupby("subject").size() - 1).clip(lower=1)


def described_numbers(variable: Variable, split: pd.Series) -> list[dict[str, object]]:
    difference = standardised_difference(
        variable.values[split == "train"].dropna().to_numpy(float),
        variable.values[split == "test"].dropna().to_numpy(float),
    )
    rows: list[dict[str, object]] = []
    for name, own in parts(variable.values, split).items():
        known = own.dropna()
        q1, median, q3 = known.quantile([0.25, 0.5, 0.75])
        spread: dict[str, object] = {"mean": known.mean(), "sd": known.std(), "q1": q1, "median": median, "q3": q3}
        head: dict[str, object] = {"variable": variable.label, "level": "", "split": name, "subjects": len(own)}
        rows.append({**head, "missing": int(own.isna().sum()), **spread, "standardised_difference": difference})
    return rows


def described_levels(variable: Variable, split: pd.Series) -> list[dict[str, object]]:
    values = gathered(variable.values)
    levels = sorted(values.dropna().unique(), key=lambda level: (level == OTHERS, level))
    by_split = parts(values, split)
    difference = categorical_difference(*(share(by_split[name], levels) for name in ("train", "test")))
    rows: list[dict[str, object]] = []
    for level in levels:
        for name, own in by_split.items():
            head: dict[str, object] = {"variable": variable.label, "level": level, "split": name, "subjects": len(own)}
            known = int(own.notna().sum())
            counted = int((own == level).sum())
            size: dict[str, object] = {"count": counted, "share": counted / known if known else np.nan}
            rows.append({**head, "missing": len(own) - known, **size, "standardised_difference": difference})
    return rows


def parts(values: pd.Series, split: pd.Series) -> dict[str, pd.Series]:
    return {name: values[split == name] for name in SPLITS} | {"all": values}


def gathered(values: pd.Series) -> pd.Series:
    """Levels as text; beyond the commonest, all others are one."""
    text = values.astype(object).map(str, na_action="ignore")
    common = text.value_counts().index[: MOST_LEVELS if text.nunique() <= MOST_LEVELS else MOST_LEVELS - 1]
    return text.where(text.isna() | text.isin(common), OTHERS)


def of_several(places: pd.Series) -> pd.Series:
    """Sites or scanners; those of one subject, whom their name could tell, are one."""
    return places.where(places.isna() | places.duplicated(keep=False), OTHERS)


def share(values: pd.Series, levels: list[str]) -> Float[np.ndarray, " level"]:
    """NaN where no value is known."""
    known = int(values.notna().sum())
    counts = np.array([(values == level).sum() for level in levels], dtype=float)
    return counts / known if known else np.full(len(levels), np.nan)


def standardised_difference(train: Float[np.ndarray, " one"], test: Float[np.ndarray, " other"]) -> float:
    """(mean of test − mean of train) / √((s² of train + s² of test) / 2); NaN below two values or without spread.

    Source: Austin 2009, Statistics in Medicine 28:3083, eq. 1.
    """
    if min(len(train), len(test)) < 2:
        return np.nan
    pooled = np.sqrt((train.var(ddof=1) + test.var(ddof=1)) / 2)
    return float((test.mean() - train.mean()) / pooled) if pooled > 0 else np.nan


def categorical_difference(train: Float[np.ndarray, " level"], test: Float[np.ndarray, " level"]) -> float:
    """Mahalanobis distance of the shares of all levels but the first, by the mean of both multinomial covariances.

    Of two levels it is the absolute standardised difference of a share. NaN where a split knows no level, or both only
    one.

    Source: Yang and Dalton 2012, SAS Global Forum paper 335, section on categorical variables.
    """
    first, second = train[1:], test[1:]
    if not (np.isfinite(train).all() and np.isfinite(test).all()) or not len(first):
        return np.nan
    covariance = (multinomial(first) + multinomial(second)) / 2
    distance = (second - first) @ np.linalg.pinv(covariance) @ (second - first)
    return float(np.sqrt(max(distance, 0.0))) if covariance.any() else np.nan


def multinomial(shares: Float[np.ndarray, " level"]) -> Float[np.ndarray, "level level"]:
    return np.diag(shares) - np.outer(shares, shares)


class PeopleRow(NamedTuple):
    """A line of the table as it is read: a cell a split, the standardised difference last."""

    name: str
    cells: list[tuple[str, list[str]]]  # what is read first, and lines below it
    difference: str


def people_rows(table: pd.DataFrame) -> list[PeopleRow]:
    """Of people.csv; splits in its order."""
    rows = []
    for (variable, level), own in table.groupby(["variable", "level"], sort=False):
        name = f"{variable}: {level}" if level else str(variable)
        difference = own["standardised_difference"].iloc[0]
        shown = number(difference) if np.isfinite(difference) else "–"
        repeated = bool(level) and bool((table.loc[table["variable"] == variable, "level"].iloc[0]) != level)
        rows.append(PeopleRow(name, [cell(row) for _, row in own.iterrows()], "" if repeated else shown))
    return rows


def cell(row: pd.Series) -> tuple[str, list[str]]:
    missing = [f"{row['missing']:.0f} missing"] if row["missing"] else []
    if row["level"]:
        shown = f"{row['count']:.0f} ({100 * row['share']:.0f} %)" if np.isfinite(row["share"]) else "–"
        return shown, missing
    if not np.isfinite(row["mean"]):
        return "–", missing
    spread = f" ± {number(row['sd'])}" if np.isfinite(row["sd"]) else ""
    ends = [row[name] for name in ("median", "q1", "q3")]
    if row["variable"] in COUNTS:
        median, q1, q3 = (f"{value:g}" for value in ends)
    else:
        median, q1, q3 = map(number, ends)
    quartiles = f"{median} [{q1}–{q3}]"
    return f"{number(row['mean'])}{spread}", [quartiles, *missing]
