"""What the report calls pairs, and the metrics of three-way change and of score regression."""

from clinimcl.evaluation.change import probabilities

# Whose two scans a test pair is of; the first of a run's notes says it in these words
PAIRS = ("one person at two times", "two different people", "two zones of one person")

# What rows learn from; a note of the run says where these were too few
ALIKE = "trained on training subjects' pairs of the tested kind"
TWICE = "mean of one trained on the classifier's pairs and one on training subjects' pairs of the tested kind"

# row: what it is called, what it means
ROWS = {
    "classifier": ("classifier", "The trained classifier of two scans."),
    "score_difference": ("difference of regressed scores", "The rule applied to the two regressed scores."),
    "pooled_pixels": ("pooled pixels, linear", f"Logistic regression on the difference of pooled pixels, {TWICE}."),
    "earlier_only": ("earlier scan only", f"Logistic regression on the earlier scan's embedding, {TWICE}."),
    "later_only": ("later scan only", f"Logistic regression on the later scan's embedding, {TWICE}."),
    "earlier_score": (
        "earlier score only",
        f"Logistic regression on the earlier score, {ALIKE}: regression to the mean.",
    ),
    "covariates": ("age, sex, interval, site", f"Logistic regression that sees no image, {ALIKE}."),
    "brain_volume": (
        "difference of brain volume",
        "Logistic regression on the differences of nWBV, the whole brain as a share of the head, and "
        f"of eTIV, as the cohort's table gives them, {ALIKE}.",
    ),
    "oracle": ("oracle", "The rule applied to the scores without noise, which only a phantom knows."),
}
BESIDES = tuple(name for name in ROWS if name != "classifier")
WITHOUT_REPRESENTATION = ("pooled_pixels", "earlier_score", "covariates", "brain_volume")

METRICS = {
    "balanced_accuracy": (
        "Balanced accuracy, three-way",
        "Mean over the classes of the share that is answered right. Higher is better.",
    ),
    "accuracy": ("Accuracy, three-way", "Share of right answers. Read it beside the majority class."),
    "weighted_f1": ("F1, weighted", "Mean over classes by their size; a constant answer has its own level (majority)."),
    "macro_f1": ("F1, macro", "Mean over the classes present in the test; interval: at these shares of classes."),
    "quadratic_kappa": (
        "Quadratic kappa",
        "Agreement beyond chance; taking deteriorated for improved weighs 4 times a neighbour. 0: chance.",
    ),
    "calibration_error": (
        "Calibration error",
        "Expected error of the top class's probability over 10 bins of equal count; luck alone makes it more than 0. "
        "Lower is better.",
    ),
    **probabilities.METRICS,
    "swap_consistency": (
        "Swap consistency",
        "Share of answers in which exchanging the scans exchanges improved and deteriorated. Chance: the same shares "
        "of answers, independent.",
    ),
    "score_mae": ("Score, mean absolute error", "In units of the score; chance answers the training median."),
    "score_r2": ("Score, R²", "Around the mean of the test scans. 0: no better than that mean."),
    "score_spearman": ("Score, Spearman ρ", "Between regressed and measured score of test scans."),
    "distance_change_spearman": (
        "Distance and |Δ score|, Spearman ρ",
        "Between the cosine distance of two embeddings and |Δ score| over test pairs.",
    ),
    "distance_change_partial": (
        "Distance and |Δ score|, partial ρ",
        "The same given the interval between the scans and the age at the earlier one.",
    ),
    "null_accuracy": (
        "Accuracy on permuted scores",
        "Mean over 20 classifiers that were trained on scores permuted between subjects.",
    ),
    "null_p": ("p-value of the accuracy", "Against the 20 permutations; the smallest possible is 1/21."),
    **{
        f"{name}{kind}_accuracy": (f"{balanced} of: {ROWS[name][0]}", ROWS[name][1])
        for kind, balanced in (("_balanced", "Balanced accuracy"), ("", "Accuracy"))
        for name in BESIDES
    },
    **{
        f"balanced_accuracy_minus_{name}": (
            f"Classifier minus: {ROWS[name][0]}",
            "Balanced accuracy, paired by subject. Above 0: the classifier is better.",
        )
        for name in BESIDES
    },
}
HEADLINES = ("balanced_accuracy", "accuracy", "quadratic_kappa", "score_spearman", "distance_change_spearman")


def pairs_of(note: str) -> str:
    """Empty where the note says nothing of pairs."""
    return next((pairs for pairs in PAIRS if pairs in note), "")
