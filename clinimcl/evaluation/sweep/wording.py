"""What the report of a sweep says, in sentences."""

from clinimcl.evaluation.statistics.metrics import Metric
from clinimcl.evaluation.sweep.differences import MOST_LEVELS, PRIMARY, PRIMARY_WEIGHT, Difference, searched
from clinimcl.evaluation.sweep.factors import FACTORS, PAIRS, WEIGHT, varying
from clinimcl.evaluation.sweep.groups import Cell
from clinimcl.evaluation.sweep.measure import CHANGE, Sweep
from clinimcl.evaluation.wording import GENERATED, interval, label, number, verb

LEVEL = 0.05
FEW_SEEDS = 3


def shown_factors(sweep: Sweep) -> list[str]:
    return varying([cell.values for cell in sweep.cells])


def cell_label(cell: Cell, factors: list[str]) -> str:
    """The values that tell it from the others; those of settings without a name of ours with their key."""
    values = {name: cell.values[name] for name in factors if cell.values[name]}
    return ", ".join(told(name, value) for name, value in values.items()) or "all jobs"


def told(name: str, value: str) -> str:
    if name == WEIGHT:
        return f"λ {value}"
    return value if name in (*FACTORS, "folds", PAIRS) else f"{name}={value}"


def versus(difference: Difference, factors: list[str]) -> str:
    """What differs, then where."""
    factor = difference.factor
    sides = [told(factor, cell.values[factor]) for cell in (difference.one, difference.other)]
    where = {name: difference.one.values[name] or difference.other.values[name] for name in factors if name != factor}
    at = ", ".join(told(name, value) for name, value in where.items() if value)
    return f"{sides[0]} minus {sides[1]}" + (f" ({at})" if at else "")


def notes(sweep: Sweep) -> list[str]:
    """What was done first, then what it showed, then what limits it."""
    factors = shown_factors(sweep)
    sentences = [done(sweep), *kinds(sweep), primary(sweep, factors), remaining(sweep, factors), seeds(sweep)]
    sentences += [choice(sweep, factors), folds(sweep), too_many(sweep), generated(sweep)]
    return [sentence for sentence in sentences if sentence]


def done(sweep: Sweep) -> str:
    jobs = sweep.jobs
    total = len(jobs.done) + jobs.failed + jobs.unfinished + jobs.unreadable
    others = {
        "failed": jobs.failed,
        "unfinished": jobs.unfinished,
        "done but not readable": jobs.unreadable,
        f"done without {label(sweep.headline).lower()}": sweep.unmeasured,
        "left out, since they repeat another job or tested other subjects than its other seeds": sweep.left_out,
    }
    listed = ", ".join(f"{count} {what}" for what, count in others.items() if count)
    return f"{len(jobs.done)} of {total} jobs are done" + (f" ({listed})." if listed else ".")


def kinds(sweep: Sweep) -> list[str]:
    return sorted({job.kind for cell in sweep.cells for job in cell.jobs.values() if job.kind})


def primary(sweep: Sweep, factors: list[str]) -> str:
    if sweep.headline != CHANGE or not sweep.lines:
        return ""
    found = [difference for difference in sweep.differences if difference.primary]
    at = f" with λ {PRIMARY_WEIGHT}" if WEIGHT in factors else ""
    chosen = f"{', '.join(PRIMARY.values())}: MSE + wCL{at} against MSE"
    if not found:
        return f"The primary comparison ({chosen}) is not among these jobs, or not once."
    metric = found[0].outcome
    if not isinstance(metric, Metric):
        return f"The primary comparison ({chosen}) cannot be made: {metric.reason}."
    return (
        f"Primary comparison ({chosen}), {plural(found[0].seeds, 'seed')}, {metric.n_subjects} subjects: ranked "
        f"contrast {verb(metric)} (difference in balanced accuracy {number(metric.value)}, 95\u00a0% interval "
        f"{interval(metric)}, p {p_text(found[0].p)})."
    )


def remaining(sweep: Sweep, factors: list[str]) -> str:
    others = [difference for difference in sweep.differences if not difference.primary]
    if not others:
        return ""
    below = [versus(difference, factors) for difference in others if difference.adjusted < LEVEL]
    found = f"{len(below)} of them remain{'s' if len(below) == 1 else ''}" if below else "none remains"
    more = f"; and {len(below) - 5} more" if len(below) > 5 else ""
    listed = f": {'; '.join(below[:5])}{more}" if below else ""
    return (
        f"{plural(len(others), 'further comparison')} differ{'s' if len(others) == 1 else ''} in one factor; after "
        f"Holm's correction over all together, {found} below {LEVEL:g}{listed}."
    )


def seeds(sweep: Sweep) -> str:
    counts = [len(line.cell.seeds) for line in sweep.lines]
    few = [count for count in counts if count < FEW_SEEDS]
    if not few:
        return ""
    rest = "Every row rests" if len(few) == len(counts) else f"{len(few)} of {len(counts)} rows rest"
    rest = "The row rests" if len(counts) == 1 else rest
    most = max(few)
    return (
        f"{rest} on {'one seed' if most == 1 else 'fewer than 3 seeds'}: one lucky seed proves nothing, and the "
        "intervals say nothing of what another seed would give."
    )


def choice(sweep: Sweep, factors: list[str]) -> str:
    """How a row is chosen without looking at the test."""
    if len(sweep.lines) < 2:
        return ""
    rule = "λ and other settings must be chosen on validation subjects: what is picked off the test has seen it."
    known = [(line.validation, line.cell) for line in sweep.lines if line.validation is not None]
    if not known:
        return rule
    value, cell = max(known, key=lambda own: own[0])
    on = ", on pairs of the kind that trained the classifier" if sweep.headline == CHANGE else ""
    column = f"the validation column (of the epochs that were kept{on})"
    return f"{rule} By {column} the choice is {cell_label(cell, factors)} with {number(value)}."


def folds(sweep: Sweep) -> str:
    pooled = max((len(line.cell.folds) for line in sweep.lines), default=1)
    if pooled < 2:
        return ""
    how = (
        "answers of all folds are put together and measured once" if sweep.headline == CHANGE else "folds are averaged"
    )
    return f"Up to {pooled} folds are pooled: their test subjects differ; {how}."


def too_many(sweep: Sweep) -> str:
    names = searched(sweep.cells)
    return (
        f"{', '.join(names)}: more than {MOST_LEVELS} values, which are not compared one with another." if names else ""
    )


def generated(sweep: Sweep) -> str:
    """Only a generated cohort has these levels."""
    return GENERATED if {"oracle_balanced_accuracy", "realigned_voxels_retrieval_top1"} & sweep.levels.keys() else ""


def method(sweep: Sweep) -> str:
    """How intervals and p-values came about."""
    if not sweep.lines:
        return ""
    if sweep.headline != CHANGE:
        return (
            "Means over seeds; the ends of the jobs' 95\u00a0% intervals over subjects are averaged, which errs on the "
            "wide side. No answers are kept by which two rows could be compared subject by subject."
        )
    return (
        "95\u00a0% intervals of the mean over seeds: over subjects, class by class, binomial of as many subjects as "
        "have the standard error of the jackknife, with Student's t. The seeds are as they are: what they vary stands "
        "in the range. Differences are paired by subject and seed; p is two-sided, the level at which the interval of "
        "the difference just reaches 0, and no smaller than that of exchanging the two answers of each subject whose "
        "answers differ."
    )


def p_text(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
