import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

SCORED = "clinimcl.losses.score_objective.ScoreObjective"
RANKED = "clinimcl.losses.ranked_contrast.RankedContrast"
CONTRASTS: dict[str, Any] = {
    "mse": None,
    "mse_cl": {"_target_": RANKED, "weighted": False},
    "mse_wcl": {"_target_": RANKED, "weighted": True},
}
ENCODERS = {"tsm_resnet18": "tsm_resnet18.TsmResNet18", "vit": "vit.FrameViT"}
PAIRS = 4  # of each subject


def configuration(settings: dict[str, Any]) -> dict[str, Any]:
    """The resolved settings of a job."""
    name, seed = settings.get("objective", "mse"), settings.get("seed", 0)
    weight = settings.get("objective.mse_weight", 0.9) if CONTRASTS[name] else 1.0
    return {
        "run": f"/data/{len(settings)}",
        "overrides": [f"{key}={value}" for key, value in settings.items()],
        "seed": seed,
        "cohort": {"root": "/data/lus", "fold": settings.get("cohort.fold")},
        "optimizer": {"lr": settings.get("optimizer.lr", 0.001)},
        "encoder": {"_target_": f"clinimcl.encoders.{ENCODERS[settings.get('encoder', 'tsm_resnet18')]}"},
        "objective": {"_target_": SCORED, "mse_weight": weight, "contrast": CONTRASTS[name]},
        "classifier": {"combine": settings.get("classifier.combine", "difference"), "hidden": [128]},
        "change": {"pairs": {"seed": seed}},
    }


def answered(skill: float, rng: np.random.Generator, subjects: int, fold: int) -> pd.DataFrame:
    """Right with the probability `skill`; the true changes depend on nothing but the fold."""
    change = np.random.default_rng(fold).integers(3, size=PAIRS * subjects)
    own = np.where(rng.uniform(size=len(change)) < skill, change, (change + rng.integers(1, 3, len(change))) % 3)
    subject = np.repeat(np.arange(subjects), PAIRS)
    table = pd.DataFrame({"answer": np.arange(len(change)), "subject": subject, "other": subject, "change": change})
    return table.assign(answered=own, **{f"p{number}": 0.1 + 0.7 * (own == number) for number in range(3)})


def entry(value: float, subjects: int, **levels: float) -> dict[str, float | int]:
    ends = {"value": value, "low": value - 0.1, "high": value + 0.1, "n_subjects": subjects}
    return {**ends, "n_items": PAIRS * subjects, **levels}


@pytest.fixture(scope="session")
def job() -> Callable[..., Path]:
    def write(sweep: Path, skill: float = 0.6, subjects: int = 40, number: int = 0, **settings: Any) -> Path:
        """A job that is done; double underscores in settings stand for dots."""
        told = {key.replace("__", "."): value for key, value in settings.items()}
        folder = sweep / f"{'-'.join(str(value) for value in told.values())}-{number}"
        folder.mkdir(parents=True)
        config = configuration(told)
        seed, fold = config["seed"], config["cohort"]["fold"] or 0
        answers = answered(skill, np.random.default_rng([seed, number, fold]), subjects, fold)
        hits = (answers["change"] == answers["answered"]).groupby(answers["change"]).mean().mean()
        metrics = {
            "balanced_accuracy": entry(float(hits), subjects, chance=1 / 3, majority=1 / 3),
            "score_spearman": entry(0.5, subjects, chance=0.0),
            "pooled_pixels_balanced_accuracy": entry(0.4, subjects),
            "oracle_balanced_accuracy": entry(0.9, subjects),
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        (folder / "evaluation.json").write_text(json.dumps(metrics))
        sides = {"salt": "ab", "subjects": {f"LUS{fold}-{own}": "test" for own in range(subjects)}}
        (folder / "splits.json").write_text(json.dumps(sides))
        (folder / "notes.txt").write_text("Tested on pairs of scans of one person at two times.\nMore.\n")
        chosen = [None, 0.5, 0.1 + hits, 0.9]  # the first epoch is not validated, the third is kept
        curves = pd.DataFrame({"change/validation_balanced_accuracy": chosen, "change/selection": [None, -3, -1, -2]})
        curves.to_csv(folder / "metrics.csv", index=False)
        answers.to_csv(folder / "answers.csv", index=False)
        (folder / "status.json").write_text('{"status": "done"}')
        return folder

    return write


@pytest.fixture(scope="session")
def contrastive_job() -> Callable[..., Path]:
    def write(sweep: Path, top1: float, seeds: Sequence[int], **settings: Any) -> Path:
        for seed in seeds:
            told = settings | {"seed": seed}
            folder = sweep / "-".join(str(value) for value in told.values())
            folder.mkdir(parents=True)
            config = configuration(told) | {
                "change": None,
                "objective": {"_target_": "clinimcl.losses.info_nce.InfoNCE"},
            }
            (folder / "config.yaml").write_text(yaml.safe_dump(config))
            entries = {"retrieval_top1": entry(top1 + 0.01 * seed, 40, chance=0.02)}
            (folder / "evaluation.json").write_text(json.dumps(entries))
            curves = pd.DataFrame({"validation/retrieval_top1": [0.3, 0.7], "validation/selection": [0.3, 0.7]})
            curves.to_csv(folder / "metrics.csv", index=False)
            (folder / "status.json").write_text('{"status": "done"}')
        return sweep

    return write
