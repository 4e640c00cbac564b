"""What each command takes: the typed root of its configuration. Nodes that name a class stay plain until built."""

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from clinimcl.errors import UserError

Node = dict[str, Any]
GROUPS = ("sex", "age", "site", "scanner", "interval", "severity")  # by which every headline is compared
HARMONISATIONS = ("combat", "longitudinal")


@dataclass(frozen=True, kw_only=True)
class PhantomSettings:
    layout: str
    out: str
    subjects: int
    seed: int
    spacing: float  # mm
    scanners: int | None  # one a site; None: as the layout has them
    travelling: int  # subjects who are scanned on every scanner within days
    workers: int | None


@dataclass(frozen=True, kw_only=True)
class PrepareSettings:
    cohort: Node
    preparation: Node
    engine: Node
    store: str | None  # a folder, or a URL
    most_set_aside: float  # share of the scans
    cache: str | None  # folder of what is fetched from buckets
    cache_gib: float

    def __post_init__(self) -> None:
        if self.cache is not None and "://" in self.cache:
            raise ValueError(f"cache must be a local folder, got {self.cache}")
        if not self.cache_gib > 0:
            raise ValueError(f"cache_gib must be positive, got {self.cache_gib}")
        if not 0 <= self.most_set_aside <= 1:
            raise ValueError(f"most_set_aside must be a share between 0 and 1, got {self.most_set_aside}")


@dataclass(frozen=True, kw_only=True)
class StoreSettings(PrepareSettings):
    scans_per_shard: int | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scans_per_shard is None:
            return
        if self.scans_per_shard < 1:
            raise ValueError(f"scans_per_shard must be positive, or null for a file each, got {self.scans_per_shard}")
        if self.store is not None and "://" in self.store:
            raise ValueError(
                f"scans_per_shard={self.scans_per_shard} needs a store in a folder, got store={self.store}: a bucket "
                "keeps an object for each scan, as objects are fetched whole"
            )


REVIEWS = ("auto", "off", "faces")


def check_review(review: str, faces_consent: bool) -> None:
    """
    Raises:
        ValueError: no such review, or pictures of faces that nobody agreed to.
    """
    if review not in REVIEWS:
        raise ValueError(f"review must be {', '.join(REVIEWS)}, got {review}")
    if review == "faces" and not faces_consent:
        raise ValueError(
            "review=faces shows heads with their faces: set faces_consent=true if those who are "
            "pictured agreed to it, or review=auto, which takes faces off"
        )


@dataclass(frozen=True, kw_only=True)
class TrainSettings(PrepareSettings):
    name: str
    run: str  # folder of the run
    sweep: str | None  # folder of the sweep whose job this is
    overrides: list[str]  # of this job of the sweep
    seed: int
    epochs: int
    keep_every: int  # epochs
    save_minutes: float  # within an epoch
    ckpt_path: str | None  # "last": this run's own last one, if there is one
    mirror: str | None  # URL of a folder for what runs are continued from
    datamodule: Node
    pretrain: Node
    loading: Node
    module: Node
    encoder: Node
    weights: str | None  # pretrained weights of the encoder
    allow_overlap: bool  # weights may come from subjects that are tested here
    projector: Node | None
    objective: Node
    augmentation: Node | None
    optimizer: Node
    schedule: Node | None
    step: Node
    classifier: Node
    change: Node | None
    trainer: Node
    logger: Node
    harmonise: str | None = None  # how the embeddings are that the classifier of change reads; runs of before have none
    review: str = "auto"  # runs of before had none of the three
    faces_consent: bool = False  # who is pictured agreed that faces are shown
    review_scans: int = 120  # test scans that robustness is measured on, at most

    def __post_init__(self) -> None:
        super().__post_init__()
        check_review(self.review, self.faces_consent)
        if self.review_scans < 0:
            raise ValueError(f"review_scans must be at least 0, got {self.review_scans}")
        if not re.fullmatch(r"[\w.+-]*\w", self.name):
            raise ValueError(f"name must be letters, digits, '_', '-', '.' or '+', got {self.name!r}")
        if self.epochs < 0 or self.keep_every < 1 or self.save_minutes < 0:
            raise ValueError(
                "epochs and save_minutes must be at least 0 and keep_every at least 1, got "
                f"{self.epochs}, {self.save_minutes:g} and {self.keep_every}"
            )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be at least 0 and less than 2³², got {self.seed}")
        if self.mirror is not None and "://" not in self.mirror:
            raise ValueError(f"mirror must be the URL of a folder, such as gs://bucket/runs, got {self.mirror}")
        if self.harmonise is not None:
            check_harmonise(self.harmonise, self.change)
        if self.change is None and self.module["_target_"].endswith("ScorePretraining"):
            raise ValueError("pretraining=score is measured by health change: set change=three_way")


def check_harmonise(method: str, change: Node | None) -> None:
    """Raises ValueError: the method is not known, or there is no classifier that reads embeddings."""
    if method not in HARMONISATIONS:
        raise ValueError(f"harmonise must be {' or '.join(HARMONISATIONS)}, or null, got {method}")
    if change is None or not change["frozen"]:
        raise ValueError(
            f"harmonise={method} is for a classifier of change on the embeddings of a frozen encoder: set "
            "change=three_way and change.frozen=true, or leave harmonise out"
        )


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    run: str  # folder of the run
    probes: bool
    groups: list[str]  # of people and scans, between which every headline is compared
    cohort: Node | None  # another one than the run's own
    store: str | None  # of the other cohort
    allow_overlap: bool  # its test subjects may have trained the encoder
    review: str | None = None  # None: as when the run was trained
    faces_consent: bool = False

    def __post_init__(self) -> None:
        check_review(self.review or "auto", self.faces_consent)
        if not self.groups:
            raise ValueError(f"groups must name at least one grouping, such as {', '.join(GROUPS)}, got none")


@dataclass(frozen=True, kw_only=True)
class EmbedSettings:
    run: str  # folder of the run
    out: str  # parquet file, or a folder
    format: str  # parquet, or fomo
    key: str | None  # secret of the pseudonyms; None: a file of the run
    scores: bool
    columns: list[str]  # of the scan table
    untrained: bool
    cohort: Node | None  # another one than the run's own
    store: str | None  # of the other cohort

    def __post_init__(self) -> None:
        if self.format not in ("parquet", "fomo"):
            raise ValueError(f"format must be parquet, a table, or fomo, a folder of vectors, got {self.format}")
        if self.format == "parquet" and (not self.out.endswith(".parquet") or "://" in self.out):
            raise ValueError(f"out must be a local file that ends with .parquet, got {self.out}")
        if "://" in self.out:
            raise ValueError(f"out must be a local folder, got {self.out}")


@dataclass(frozen=True, kw_only=True)
class ExamSettings:
    embeddings: str  # a table, or a folder of vectors
    labels: str | None  # a table; None: beside the embeddings
    key: str | None  # secret of the pseudonyms, where the labels have the subjects' ids
    column: str  # of the classes
    groups: list[str]  # columns
    beside: str | None  # other embeddings of the same subjects
    splits: int
    seed: int
    least: int  # subjects of a class or group
    out: str  # folder

    def __post_init__(self) -> None:
        if self.splits < 1 or self.seed < 0:
            raise ValueError(f"splits must be at least 1 and seed at least 0, got {self.splits} and {self.seed}")
        if self.least < 5:
            raise ValueError(f"least must be at least 5 subjects, as half of them are tested, got {self.least}")
        if self.column in self.groups:
            raise ValueError(f"groups={self.column} are the classes themselves: leave it out of groups")
        if "://" in self.out:
            raise ValueError(f"out must be a local folder, got {self.out}")
        if self.key is not None and self.labels is None:
            raise ValueError("key= makes pseudonyms of the subjects of labels=FILE, which is not given")


@dataclass(frozen=True, kw_only=True)
class DashboardSettings:
    project: str
    entity: str | None
    out: str | None  # file to write

    def __post_init__(self) -> None:
        for name, value in (("project", self.project), ("entity", self.entity)):
            if value is not None and not re.fullmatch(r"[^/\\#?%:\s][^/\\#?%:]{0,127}", value):
                raise ValueError(
                    f"{name} must be a name as W&B has it, 1 to 128 characters without / \\ # ? % :, got {value!r}"
                )


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    run: str  # folder of a run with a classifier of health change
    out: str  # folder of the exported model
    identity: str | None  # folder of a contrastive run whose encoder tells people apart
    modality: str | None  # as the card says; None: as the cohort tells
    licence: str
    thickest: float | None  # mm between slices that the model takes
    page: str | None  # of an answered pair, for the run's report to link
    allow_overlap: bool  # held-out subjects may have trained the weights

    def __post_init__(self) -> None:
        if "://" in self.out:
            raise ValueError(f"out must be a local folder, got {self.out}")
        if self.thickest is not None and not self.thickest > 0:
            raise ValueError(f"thickest must be above 0 mm, got {self.thickest}")


@dataclass(frozen=True, kw_only=True)
class PredictSettings:
    model: str  # folder of an exported model
    runtime: str  # onnxruntime, or openvino
    precision: str  # float32, bf16, or int8
    earlier: str | None  # a file, or a folder of DICOM slices
    later: str | None
    earlier_date: str | None  # only their order is looked at
    later_date: str | None
    earlier_scanner: str | None  # or site, of a model that harmonises
    later_scanner: str | None
    pairs: str | None  # CSV file of many pairs
    out: str  # folder of the answer
    page: bool  # with pictures

    def __post_init__(self) -> None:
        if (self.pairs is None) == (self.earlier is None or self.later is None):
            raise ValueError("give either earlier=FILE and later=FILE, or pairs=FILE.csv with those columns")
        if "://" in self.out:
            raise ValueError(f"out must be a local folder, got {self.out}")
        days(self.earlier_date, self.later_date)


def days(earlier: str | None, later: str | None) -> list[date | None]:
    """Of two scans, as far as they are given; UserError: one is no date."""
    found = []
    for role, given in (("earlier", earlier), ("later", later)):
        try:
            found.append(date.fromisoformat(given) if given is not None else None)
        except ValueError:
            raise UserError(f"{role}_date must be a date such as 2024-03-31") from None
    return found


LOOPBACK = ("127.0.0.1", "localhost", "::1")
LEAST_TOKEN = 16  # characters


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    model: str  # folder of an exported model
    runtime: str  # onnxruntime, or openvino
    precision: str  # float32, bf16, or int8
    scanner: str | None  # or site, of all scans that do not name theirs, for a model that harmonises
    host: str
    port: int
    token: str | None  # that whoever asks must know
    most_mib: float  # of both scans together
    most_waiting: int  # pairs

    def __post_init__(self) -> None:
        if self.token is None and self.host not in LOOPBACK:
            raise ValueError(
                f"host={self.host} is open to other machines: set token=... (at least {LEAST_TOKEN} characters), "
                "or leave host=127.0.0.1"
            )
        if self.token is not None and len(self.token) < LEAST_TOKEN:
            raise ValueError(f"token must have at least {LEAST_TOKEN} characters, got {len(self.token)}")
        if self.token is not None and not (self.token.isascii() and self.token.isprintable()):
            raise ValueError("token must be of letters, digits and signs of ASCII, since it travels in headers")
        if not 0 <= self.port <= 65535 or not 0 < self.most_mib < math.inf or self.most_waiting < 1:
            raise ValueError(
                "port must be 0 to 65535, most_mib a number above 0 and most_waiting at least 1, got "
                f"{self.port}, {self.most_mib:g} and {self.most_waiting}"
            )
