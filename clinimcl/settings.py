"""What each command takes: the typed root of its configuration. Nodes that name a class stay plain until built."""

import re
from dataclasses import dataclass
from typing import Any

Node = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PhantomSettings:
    layout: str
    out: str
    subjects: int
    seed: int
    spacing: float  # mm
    workers: int | None


@dataclass(frozen=True, kw_only=True)
class PrepareSettings:
    cohort: Node
    preparation: Node
    engine: Node
    store: str | None
    most_set_aside: float  # share of the scans

    def __post_init__(self) -> None:
        if not 0 <= self.most_set_aside <= 1:
            raise ValueError(f"most_set_aside must be a share between 0 and 1, got {self.most_set_aside}")


@dataclass(frozen=True, kw_only=True)
class TrainSettings(PrepareSettings):
    name: str
    run: str  # folder of the run
    seed: int
    epochs: int
    keep_every: int  # epochs
    ckpt_path: str | None
    datamodule: Node
    pretrain: Node
    loading: Node
    encoder: Node
    projector: Node
    objective: Node
    augmentation: Node | None
    optimizer: Node
    schedule: Node | None
    trainer: Node
    logger: Node

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[\w.+-]*\w", self.name):
            raise ValueError(f"name must be letters, digits, '_', '-', '.' or '+', got {self.name!r}")
        if self.epochs < 1 or self.keep_every < 1:
            raise ValueError(f"epochs and keep_every must be at least 1, got {self.epochs} and {self.keep_every}")


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    run: str  # folder of the run
