"""An exported model at work: two scans in, an answer out."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float
from threadpoolctl import threadpool_limits

from clinimcl import memory
from clinimcl.config.building import build
from clinimcl.config.settings import Node
from clinimcl.errors import UserError
from clinimcl.harmonisation.numbers import FILE, harmonise_asked, read_harmonisation
from clinimcl.inference.calibration import Rule
from clinimcl.inference.card import Card, read_card
from clinimcl.inference.onnx_networks import CLASSIFIER, ENCODER, IDENTITY, SCORE, Networks
from clinimcl.inference.out_of_distribution import appearance
from clinimcl.inference.references import read_references
from clinimcl.inference.runtimes import Runtime
from clinimcl.inference.selftest import check_runtime
from clinimcl.preparation.frames import as_frames
from clinimcl.preparation.pipeline import Pipeline


class Embedded(NamedTuple):
    """What the networks say of scans, a row each."""

    change: Float[np.ndarray, "scan embedding"]
    identity: Float[np.ndarray, "scan _"] | None  # None: the model cannot tell people apart
    score: Float[np.ndarray, " scan"] | None  # in its own unit


def _pipeline(node: Node) -> Pipeline:
    """Of a card, which may come from anybody: it can name a preparation, and nothing else."""
    if not str(node.get("_target_")).startswith("clinimcl.preparation."):
        raise UserError(f"a card's preparation must be one of clinimcl's, got {node.get('_target_')}")
    pipeline = build(node, "preparation")
    if not isinstance(pipeline, Pipeline):
        raise UserError(f"a card's preparation must be one of clinimcl's, got {node.get('_target_')}")
    return pipeline


def settle() -> None:
    """What a process that answers does before any thread begins: one heap for them, and a third less time a pair, of
    which each scan has a core of its own.

    Warnings quote headers of files, and silencing them in two threads at a time undoes itself: here it is done for all.
    """
    warnings.simplefilter("ignore")
    memory.share_freed()
    memory.keep_freed()
    threadpool_limits(1, user_api="blas")


@final
class Model:
    """
    Raises:
        UserError: the folder is incomplete, was changed, or is of a later version; or the runtime fails the self-test.
    """

    def __init__(self, folder: Path, runtime: Runtime | None = None) -> None:
        self.card: Card = read_card(folder)
        self.parts = self.card.typed()
        self.pipeline = _pipeline(self.parts.input.preparation)
        self.rule = Rule(self.parts.calibration.temperature, self.parts.calibration.stable)
        names = [name for name in (ENCODER, CLASSIFIER, SCORE, IDENTITY) if f"{name}.onnx" in self.card.files]
        self.runtime = runtime or Runtime()
        self.networks = Networks(folder, names, runtime)
        if runtime is not None:
            check_runtime(runtime, self.networks, folder)
        self.references = read_references(folder)
        self.harmonisation = read_harmonisation(folder / FILE) if FILE in self.card.files else None

    def seen(self, prepared: Float[np.ndarray, "a b c"]) -> Float[np.ndarray, "1 a b c"]:
        """A prepared scan as the encoder sees it."""
        slices = self.parts.input.slices
        return (prepared if slices is None else as_frames(prepared, slices))[None].astype(np.float32)

    def embed(self, seen: Float[np.ndarray, "scan 1 a b c"]) -> Embedded:
        change = self.networks.run(ENCODER, volume=seen)
        identity = None
        if self.parts.limits.likeness is not None:
            identity = self.networks.run(IDENTITY, volume=seen) if IDENTITY in self.networks else change
        score = self.networks.run(SCORE, embedding=change)[:, 0] if SCORE in self.networks else None
        return Embedded(change, identity, score)

    def classified(
        self, change: Float[np.ndarray, "scan embedding"], scanners: Sequence[str | None]
    ) -> tuple[Float[np.ndarray, "scan embedding"], Bool[np.ndarray, " scan"]]:
        """What the classifier reads of embeddings, and of which scans it is what it learned from.

        The first half are the earlier scans of some pairs, the second their later ones, in the same order. A scanner
        (or site) that did not train the model leaves its scans as they are.
        """
        if self.harmonisation is None:
            return change, np.ones(len(change), bool)
        pairs = np.tile(np.arange(len(change) // 2), 2)
        return harmonise_asked(self.harmonisation, change, scanners, pairs.tolist())

    def check_scanner(self, name: str) -> None:
        """
        Raises:
            UserError: the model does not harmonise, or not this scanner (or site).
        """
        if self.harmonisation is None:
            raise UserError(f"scanner={name} changes nothing: this model does not harmonise; leave scanner out")
        factor, known = self.harmonisation.factor, self.harmonisation.sites
        if name not in known:
            raise UserError(f"scanner={name} is no {factor} of this model: choose one of {', '.join(known)}")

    def logits(
        self, earlier: Float[np.ndarray, "pair embedding"], later: Float[np.ndarray, "pair embedding"]
    ) -> Float[np.ndarray, "pair 3"]:
        return self.networks.logits(earlier, later)

    def unlikeness(
        self, prepared: Float[np.ndarray, "a b c"], embedding: Float[np.ndarray, " embedding"]
    ) -> dict[str, float]:
        """To the training scans, as shares of what is tolerated: above 1 the scan is out of distribution."""
        limits, known = self.parts.limits, self.references
        coarse = appearance(prepared, self.parts.input.kind)
        return {
            "appearance": float(known.appearance.distance(coarse[None])[0]) / limits.appearance,
            "embedding": float(known.embedding.distance(embedding[None])[0]) / limits.embedding,
        }

    def likeness(self, identity: Float[np.ndarray, "2 _"]) -> float:
        """Of two scans: the larger, the more they are of one person (`People.ratio`)."""
        assert self.references.people is not None
        return float(self.references.people.ratio(identity[:1], identity[1:])[0])
