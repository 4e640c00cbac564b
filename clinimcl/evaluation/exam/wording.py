"""What the exam calls its scores."""

LABELS = {
    "auroc": ("One-vs-rest AUROC", "Mean over classes of how often one of its items is thought likelier to be of it."),
    "macro_f1": ("Macro F1", "Mean over classes of the harmonic mean of precision and recall."),
    "fairness_auroc": (
        "Fairness of AUROC",
        "1 − mean over variables of the best group minus the worst. 1: all alike; chance: groups drawn at random.",
    ),
    "fairness_macro_f1": ("Fairness of macro F1", "The same of macro F1."),
}
WHO = {"embeddings": "", "beside": ", beside"}


def label(name: str) -> str:
    """Of a metric of exam.json."""
    title = name.removeprefix("beside_").removesuffix("_minus_beside")
    after = ", minus beside" if name.endswith("_minus_beside") else ", beside" if name != title else ""
    return LABELS[title][0] + after


def meaning(name: str) -> str:
    if name.endswith("_minus_beside"):
        return "Paired by subject. Above 0: better than the embeddings beside."
    return LABELS[name.removeprefix("beside_")][1]
