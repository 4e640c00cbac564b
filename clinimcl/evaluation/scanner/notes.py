"""What has to be said of the scanner's part, in sentences."""

from clinimcl.evaluation.scanner.design import VISIT_DAYS, Design
from clinimcl.evaluation.scanner.harmonised import Harmonised
from clinimcl.evaluation.scanner.shares import SHARES
from clinimcl.evaluation.scanner.wording import (
    METHODS,
    NAMES,
    PAIRED,
    REPRESENTATIONS,
    difference_name,
    harmonised_name,
    share_name,
)
from clinimcl.evaluation.statistics.metrics import Absent, Metric, Outcome
from clinimcl.evaluation.wording import interval, number

FEW_SCANNERS = 3
MOST_LOST = 0.02  # of the score's Spearman, that harmonisation may cost


def notes(design: Design | Absent, metrics: dict[str, Outcome], harmonised: Harmonised) -> list[str]:
    sentences = design_sentences(design)
    sentences += [share_sentence(name, metrics) for name in REPRESENTATIONS]
    sentences += [truncated_sentence(metrics)]
    sentences += [harmonised_sentence(method, metrics, harmonised) for method in METHODS]
    sentences += [preserved_sentence(harmonised)]
    return [sentence for sentence in sentences if sentence]


def design_sentences(design: Design | Absent) -> list[str]:
    """What is taken for scanners and for visits; what the intervals do not tell."""
    if isinstance(design, Absent):
        return []
    sentences = [f"Scans of a subject within {VISIT_DAYS:g} days are one visit."]
    if design.factor == "site":
        sentences.append("Scanners are not known, too many, or no subject changed between them: sites stand for them.")
    if design.unknown:
        sentences.append(f"{design.unknown} test scans of no known {design.factor} are left out of the shares.")
    if design.factor and design.scanners <= FEW_SCANNERS:
        sentences.append(
            f"The test has {design.scanners} {design.factor}s: the share of the scanner holds for these, and its "
            f"interval tells how other people would change it, not other {design.factor}s, which could change it more."
        )
    return sentences


def share_sentence(representation: str, metrics: dict[str, Outcome]) -> str:
    scanner = metrics[share_name(representation, "share_scanner")]
    subject = metrics[share_name(representation, "share_subject")]
    if not (isinstance(scanner, Metric) and isinstance(subject, Metric)):
        return ""
    return (
        f"{NAMES[representation].capitalize()}: {scanner.value:.0%} of the variance is the scanner (95\u00a0% interval "
        f"{scanner.low:.0%} to {scanner.high:.0%}), {subject.value:.0%} the subject."
    )


def truncated_sentence(metrics: dict[str, Outcome]) -> str:
    """Which components were estimated below 0."""
    below = [
        f"{part} ({NAMES[name]})"
        for name in REPRESENTATIONS
        for part in SHARES
        if getattr(metrics[share_name(name, f"share_{part}")], "value", None) == 0
    ]
    return f"Estimated below 0 and counted as 0: {', '.join(below)}." if below else ""


def harmonised_sentence(method: str, metrics: dict[str, Outcome], harmonised: Harmonised) -> str:
    """Whether the scanner is at chance afterwards, and what it costs of the score."""
    probe = metrics[harmonised_name(method, PAIRED[0])]
    before = harmonised.as_it_is.get(PAIRED[0])
    if not (isinstance(probe, Metric) and isinstance(before, Metric) and probe.chance is not None):
        return ""
    verb = "is still above chance" if probe.low > probe.chance else "cannot be told from chance"
    return (
        f"After {METHODS[method]}, the probe of the {harmonised.factor} {verb}: {number(probe.value)} "
        f"({interval(probe)}; chance {number(probe.chance)}), {number(before.value)} before"
        f"{score_clause(method, metrics)}."
    )


def score_clause(method: str, metrics: dict[str, Outcome]) -> str:
    cost = metrics[difference_name(method, PAIRED[1])]
    if isinstance(cost, Absent):
        return ""
    if cost.value < -MOST_LOST:
        judged = f"more than the {MOST_LOST:g} that it may cost"
    elif cost.low < -MOST_LOST:
        judged = f"no more than the {MOST_LOST:g} that it may cost, though its interval holds more"
    else:
        judged = f"no more than the {MOST_LOST:g} that it may cost"
    return f"; the score's Spearman changes by {number(cost.value)} ({interval(cost)}), {judged}"


def preserved_sentence(harmonised: Harmonised) -> str:
    if not harmonised.factor:
        return ""
    preserved = " and ".join(harmonised.preserved) or "nothing"
    unseen = (
        f" {harmonised.unseen} test scans are of a {harmonised.factor} that training has not: they stay as they are."
    )
    return (
        f"Harmonisation is fitted on training scans alone and preserves {preserved}, never the "
        "score, which is not known of those whom a model is asked about."
        f"{unseen if harmonised.unseen else ''}"
    )
