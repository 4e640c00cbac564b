"""What a sweep varied: the name of each job's encoder, objective and classifier, and every other setting."""

from collections.abc import Mapping
from typing import Any, NamedTuple

ENCODERS = {
    "TsmResNet18": "TSM-ResNet-18",
    "FrameViT": "ViT",
    "FrameSwin": "Swin",
    "CNN3d": "3-D CNN",
    "CNN3dPaper": "3-D CNN of the paper",
    "ResNet18In3d": "3-D ResNet-18",
}
CONTRASTS = {"SupCon": "SupCon", "YAware": "y-Aware", "RankNContrast": "Rank-N-Contrast", "InfoNCE": "InfoNCE"}
OBJECTIVES = ("MSE", "MSE + CL", "MSE + wCL")  # in the order in which they are read; the others follow
WEIGHT = "λ"
FACTORS = ("encoder", "combine", "objective", WEIGHT, "classifier")
PAIRS = "pairs"  # whose two scans a job tested, which its settings do not always say
# What decides nothing about the result, or is told apart
PLACES = ("run", "sweep", "overrides", "name", "logger", "engine", "store", "most_set_aside")
SPEED = ("loading.workers", "loading.pin_memory", "loading.evaluation_batch")
SEEDS = ("seed", "pretrain.seed", "change.pairs.seed")
TOLD = ("classifier.combine", "objective.mse_weight", "cohort.fold", "change.pairs.test")


class Settings(NamedTuple):
    """What decides the result of a job."""

    seed: int
    fold: int  # −1: no folds
    factors: dict[str, str]  # FACTORS; "" for one that the job has not
    others: dict[str, str]  # by dotted key


def settings_of(config: Mapping[str, Any]) -> Settings:
    """Raises whatever is wrong with a configuration that is not of ours."""
    fold = config["cohort"].get("fold")
    return Settings(int(config["seed"]), -1 if fold is None else int(fold), described(config), others(config))


def values_of(jobs: list[Settings]) -> list[dict[str, str]]:
    """Factor → value of each job, "" where it has none.

    First the five of FACTORS, then every other setting that differs between jobs which agree in those. Jobs that
    were trained on folds are told from those on the one split.
    """
    differing: list[str] = []
    for name in sorted({name for job in jobs for name in job.others}):
        seen: dict[tuple[str, ...], set[str]] = {}
        for job in jobs:
            seen.setdefault(tuple(job.factors.values()), set()).add(job.others.get(name, ""))
        if any(len(values) > 1 for values in seen.values()):
            differing.append(name)
    return [job.factors | {name: job.others.get(name, "") for name in differing} for job in jobs]


def described(config: Mapping[str, Any]) -> dict[str, str]:
    objective, classified = config["objective"], config["change"] is not None
    contrast = objective.get("contrast")
    return {
        "encoder": encoder(config["encoder"]["_target_"]),
        "combine": str(config["classifier"]["combine"]) if classified else "",
        "objective": objective_name(objective),
        WEIGHT: f"{objective['mse_weight']:g}" if contrast else "",
        "classifier": layers(len(config["classifier"]["hidden"])) if classified else "",
    }


def encoder(target: str) -> str:
    name = target.rsplit(".", 1)[-1]
    return ENCODERS.get(name, name)


def objective_name(objective: Mapping[str, Any]) -> str:
    """`mse`, `mse_cl` and so on as the paper writes them."""
    contrast: Mapping[str, Any] = objective.get("contrast") or {}
    name = str((contrast or objective)["_target_"]).rsplit(".", 1)[-1]
    if name == "ScoreObjective":
        return "MSE"
    if name == "RankedContrast":
        return "MSE + wCL" if contrast["weighted"] else "MSE + CL"
    name = CONTRASTS.get(name, name)
    return f"MSE + {name}" if contrast else name


def layers(hidden: int) -> str:
    return f"MLP, {hidden} hidden layer{'' if hidden == 1 else 's'}"


def others(config: Mapping[str, Any]) -> dict[str, str]:
    """Dotted key → value of what FACTORS do not say; of the fold, only whether there is one."""
    decides = {name: value for name, value in config.items() if name not in PLACES}
    seed = str(config["seed"])
    flat = {name: value for name, value in flattened(decides).items() if name not in SEEDS or value != seed}
    return {name: value for name, value in flat.items() if name not in (*SPEED, *TOLD)} | {"folds": folds(config)}


def folds(config: Mapping[str, Any]) -> str:
    return "one split" if config["cohort"].get("fold") is None else "folds, pooled"


def flattened(node: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in node.items():
        flat |= flattened(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": shown(value)}
    return flat


def shown(value: object) -> str:
    """Paths by their last three parts: where data lie is nobody's business."""
    text = "null" if value is None else str(value)
    return "…/" + "/".join(text.split("/")[-3:]) if text.count("/") > 2 else text


def varying(values: list[dict[str, str]]) -> list[str]:
    """Factors that take at least two values, "" apart."""
    names = list(values[0]) if values else []
    return [name for name in names if len({own[name] for own in values} - {""}) > 1]


def place(name: str, value: str) -> tuple[int, float, str]:
    """For sorting: objectives in their order, numbers by size, the rest by name."""
    if name == "objective":
        return (OBJECTIVES.index(value) if value in OBJECTIVES else len(OBJECTIVES), 0.0, value)
    try:
        return 0, float(value), ""
    except ValueError:
        return 1, 0.0, value
