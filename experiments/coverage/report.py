"""From the rows of coverage.csv to the tables of the README."""

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.coverage.design import SUBJECTS

LEAST, MOST = 0.93, 0.99
RARE = 0.05  # of the trials: settings in which an interval is given in fewer tell nothing
START, END = "<!-- tables -->", "<!-- end of tables -->"


def write(table: pd.DataFrame, readme: Path) -> None:
    """Between two marks of the README."""
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{START}\n{tables(table)}\n{END}{after}", encoding="utf-8")


def tables(table: pd.DataFrame) -> str:
    return "\n\n".join([coverages(table), found(table), outside(table)])


def coverages(table: pd.DataFrame) -> str:
    """Mean and lowest coverage in percent over settings, by metric and number of subjects."""
    lines = [header(["95 % intervals hold the truth in %", *map(str, SUBJECTS)])]
    for name, own in table.groupby("metric", sort=False):
        cells = [span(own[own["subjects"] == subjects]) for subjects in SUBJECTS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def header(names: list[str]) -> str:
    return "| " + " | ".join(names) + " |\n|" + " --- |" * len(names)


def span(rows: pd.DataFrame) -> str:
    kept = rows[rows["given"] >= RARE]
    if kept.empty:
        return "absent"
    mean = np.average(kept["coverage"], weights=kept["given"] * kept["trials"])
    return f"{100 * mean:.1f} ({100 * kept['coverage'].min():.0f})"


def found(table: pd.DataFrame) -> str:
    """Mean share of differences that are found where there are none, over settings."""
    lines = [header(["differences found where there is none, in %", *map(str, SUBJECTS)])]
    none = table[(table["effect"] == "none") & table["found_5"].notna()]
    for name, own in none.groupby("metric", sort=False):
        for level, column in ((5, "found_5"), (1, "found_1")):
            shares = [100 * own.loc[own["subjects"] == subjects, column].mean() for subjects in SUBJECTS]
            lines.append(f"| {name}, at {level} % | " + " | ".join(f"{share:.1f}" for share in shares) + " |")
    return "\n".join(lines)


def outside(table: pd.DataFrame) -> str:
    """How many settings lie outside of the bar, and by more than two standard errors of so few trials."""
    kept = table[table["given"] >= RARE]
    trials = kept["trials"] * kept["given"]
    few, many = (2 * np.sqrt(share * (1 - share) / trials) for share in (LEAST, MOST))
    below, above = kept["coverage"] < LEAST, kept["coverage"] > MOST
    clearly = kept["coverage"] < LEAST - few
    worst = kept[clearly].groupby("metric", sort=False).size()
    named = ", ".join(f"{name} {count}" for name, count in worst.items()) or "none"
    return (
        f"Of {len(kept)} metrics and settings {below.sum()} hold the truth in fewer than 93 % of trials, of which "
        f"{clearly.sum()} by more than two standard errors ({named}); {above.sum()} in more than 99 %, of which "
        f"{(kept['coverage'] > MOST + many).sum()} by more than two standard errors.\n\n{falsely_found(table)}"
    )


def falsely_found(table: pd.DataFrame) -> str:
    """The largest share of differences found where there are none."""
    none = table[(table["effect"] == "none") & table["found_5"].notna()]
    most = [100 * none[column].max() for column in ("found_5", "found_1")]
    return (
        f"Of {len(none)} settings without a difference, the one in which it is found most often finds it in "
        f"{most[0]:.1f} % of {none['trials'].max()} trials at 5 %, and in {most[1]:.1f} % at 1 %."
    )
