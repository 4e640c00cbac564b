"""What the report calls the probes."""

# probe: what is measured of it, in the order of reading
PROBES = {
    "diagnosis": ("auc", "balanced_accuracy"),
    "score": ("spearman", "mae", "r2"),
    "age": ("mae", "r2", "spearman"),
    "site": ("balanced_accuracy",),
    "scanner": ("balanced_accuracy",),
    "sex": ("balanced_accuracy",),
}
KINDS = {
    "auc": ("area under the ROC curve", "How often an ill subject is told from a healthy one. 0.5: chance."),
    "balanced_accuracy": ("balanced accuracy", "Mean over the classes of the share that is answered right."),
    "spearman": ("Spearman ρ", "Between answered and true value. 0: chance."),
    "mae": ("mean absolute error", "In its own unit; chance answers the training median. Lower is better."),
    "r2": ("R²", "Around the mean of the test. 0: no better than that mean."),
}
CONFOUND = " A confound: the higher, the more the embedding tells of it."


def meaning(probe: str, kind: str) -> str:
    return KINDS[kind][1] + (CONFOUND if probe in ("site", "scanner", "sex") else "")


def named(probe: str, kind: str) -> str:
    return f"Probe of {probe}, {KINDS[kind][0]}"


METRICS = {
    f"{before}probe_{probe}_{kind}{after}": (f"{named(probe, kind)}{of}", text or meaning(probe, kind))
    for probe, kinds in PROBES.items()
    for kind in kinds
    for before, after, of, text in (
        ("", "", "", ""),
        ("untrained_", "", ", untrained encoder", "The same encoder as its seed made it."),
        ("", "_minus_untrained", ", minus untrained", "Paired by subject."),
    )
}
