"""What the report calls the shares of variance, the agreement of scans, and what harmonisation changes."""

REPRESENTATIONS = ("trained", "untrained", "raw_voxels")
BEFORE = {"trained": "", "untrained": "untrained_", "raw_voxels": "raw_voxels_"}  # a metric's name
OF = {"trained": "", "untrained": ", untrained encoder", "raw_voxels": ", raw voxels"}
NAMES = {"trained": "encoder", "untrained": "untrained encoder", "raw_voxels": "raw voxels"}
KINDS = {
    "share_subject": (
        "Share of the subject",
        "Of the embedding's variance: what stays with a person over years. Higher is better.",
    ),
    "share_scanner": (
        "Share of the scanner",
        "Of the embedding's variance: what scans of one scanner have in common. Lower is better.",
    ),
    "share_time": (
        "Share of time",
        "Of the embedding's variance: what differs between visits of a person, beyond scans of one visit.",
    ),
    "share_rest": (
        "Share of the rest",
        "Of the embedding's variance: what differs between scans of one visit, such as pose. Lower is better.",
    ),
    "icc": (
        "ICC (3,1) of a subject's scans",
        "Agreement of two scans of a person at any visits, the scanners' means taken away. 1: the same; 0: strangers.",
    ),
    "icc_visit": (
        "ICC (3,1) of a visit's scans",
        "Agreement of two scans of a person within 30 days, the scanners' means taken away. 1: the same; 0: strangers.",
    ),
    "retrieval_within": (
        "Retrieval within scanners, top-1",
        "Only scans of the subject from another session on the query's own scanner count. Higher is better.",
    ),
    "retrieval_across": (
        "Retrieval across scanners, top-1",
        "Only scans of the subject from another scanner count; the gallery holds the query's own. Higher is better.",
    ),
}
METHODS = {"combat": "ComBat", "longitudinal": "longitudinal ComBat"}
HARMONISED = {
    "probe_scanner_balanced_accuracy": (
        "Probe of scanner, balanced accuracy",
        "Read off the harmonised embedding; at chance, a linear probe finds nothing of the scanner.",
    ),
    "probe_score_spearman": (
        "Probe of score, Spearman ρ",
        "Read off the harmonised embedding.",
    ),
    "share_scanner": KINDS["share_scanner"],
    "share_subject": KINDS["share_subject"],
}
PAIRED = ("probe_scanner_balanced_accuracy", "probe_score_spearman")  # beside the embedding as it is


def share_name(representation: str, kind: str) -> str:
    """In evaluation.json."""
    return f"{BEFORE[representation]}scanner_{kind}"


def harmonised_name(method: str, kind: str) -> str:
    """In evaluation.json."""
    return f"harmonised_{method}_{kind}"


def difference_name(method: str, kind: str) -> str:
    """In evaluation.json: harmonised minus as it is."""
    return f"{harmonised_name(method, kind)}_minus_unharmonised"


METRICS = {
    share_name(representation, kind): (f"{label}{of}", meaning)
    for representation, of in OF.items()
    for kind, (label, meaning) in KINDS.items()
}
METRICS |= {
    harmonised_name(method, kind): (f"{label}, after {name}", meaning)
    for method, name in METHODS.items()
    for kind, (label, meaning) in HARMONISED.items()
}
METRICS |= {
    difference_name(method, kind): (f"{HARMONISED[kind][0]}, {name} minus none", "Paired by subject.")
    for method, name in METHODS.items()
    for kind in PAIRED
}
