"""What has to be said of the probes, in sentences."""

import pandas as pd

from clinimcl.evaluation.probes.targets import CONFOUNDS, Items, diagnosis_sentence
from clinimcl.evaluation.probes.wording import KINDS
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome
from clinimcl.evaluation.wording import interval, number

HEADLINES = {"diagnosis": "auc", "score": "spearman", "age": "r2"}


def notes(scans: pd.DataFrame, probed: dict[str, Items | Absent], metrics: dict[str, Outcome]) -> list[str]:
    sentences = [diagnosis_sentence(scans)]
    sentences += [beside_untrained(name, kind, metrics) for name, kind in HEADLINES.items()]
    sentences += [confounds(metrics)]
    sentences += [left_out(name, items) for name, items in probed.items() if isinstance(items, Items)]
    return [sentence for sentence in sentences if sentence]


def beside_untrained(name: str, kind: str, metrics: dict[str, Outcome]) -> str:
    own, other = metrics[f"probe_{name}_{kind}"], metrics[f"untrained_probe_{name}_{kind}"]
    minus = metrics[f"probe_{name}_{kind}_minus_untrained"]
    if not (isinstance(own, Metric) and isinstance(other, Metric) and isinstance(minus, Metric)):
        return ""
    verb = "better than" if minus.low > 0 else "worse than" if minus.high < 0 else "not to be told from"
    return (
        f"{name.capitalize()} of {own.n_subjects} held-out subjects is read off with {KINDS[kind][0]} "
        f"{number(own.value)} (95\u00a0% interval {interval(own)}; chance {number(own.chance or 0.0)}), {verb} the "
        f"untrained encoder's {number(other.value)}."
    )


def confounds(metrics: dict[str, Outcome]) -> str:
    """Which of them a linear probe finds above chance."""
    found = {name: metrics[f"probe_{name}_balanced_accuracy"] for name in CONFOUNDS}
    above = [
        name
        for name, own in found.items()
        if isinstance(own, Metric) and own.chance is not None and own.low > own.chance
    ]
    return f"Confounds that the embedding tells above chance: {', '.join(above)}." if above else ""


def left_out(name: str, items: Items) -> str:
    return f"{items.left_out} test scans whose {name} no training subject has are left out." if items.left_out else ""
