"""Weights from a local file, and who trained them."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from clinimcl.encoders.provenance import Contract, read_contract
from clinimcl.errors import UserError
from clinimcl.storage.tensor_files import read_tensors

OURS = "encoder."  # before the encoder's names in a checkpoint of clinimcl
HEAD = "fc."  # torchvision's classifier of ImageNet
FIRST = "conv1.weight"


class Loaded(NamedTuple):
    """What came of loading weights; `missing` keep their random start, `unexpected` were left in the file."""

    matched: int
    missing: list[str]
    unexpected: list[str]
    contract: Contract | None
    ours: bool  # a checkpoint of clinimcl

    @property
    def sentence(self) -> str:
        return (
            f"weights: {self.matched} tensors matched, {_some(self.missing)} missing from the file, "
            f"{_some(self.unexpected)} unknown to the encoder; "
            + (self.contract.sentence if self.contract else "no contract beside them says who trained them")
        )


def load_weights(encoder: nn.Module, path: Path) -> Loaded:
    """Put torchvision's weights or those of any checkpoint of clinimcl into `encoder`, by name.

    A first convolution on RGB, where the encoder takes grey, is summed over its colours: it answers a grey image as it
    would answer three copies of it. The intensities that it was trained on are not ours, nor are its running means:
    train on before use.

    Raises:
        UserError: no file, a damaged one, one that could run code, another network's shapes, or nothing that matches.
    """
    own = encoder.state_dict()
    found, ours = _weights(path)
    weights = _grey(found, own)
    matched = [name for name in own if name in weights]
    for name in matched:
        if weights[name].shape != own[name].shape:
            expected, got = tuple(own[name].shape), tuple(weights[name].shape)
            raise UserError(
                f"{path}: {name} must have the shape {expected} of the configured {type(encoder).__name__}, got {got}: "
                "configure the encoder that these weights were trained with"
            )
    if not matched:
        raise UserError(
            f"{path} holds no weights of a {type(encoder).__name__}: expected names such as {next(iter(own))}, got "
            f"{next(iter(weights), 'none')}: configure the encoder that these weights were trained with"
        )
    contract = read_contract(path)
    encoder.load_state_dict({name: weights[name] for name in matched}, strict=False)
    return Loaded(
        matched=len(matched),
        missing=[name for name in own if name not in weights],
        unexpected=[name for name in weights if name not in own],
        contract=contract,
        ours=ours,
    )


def _weights(path: Path) -> tuple[dict[str, Tensor], bool]:
    """By the encoder's names; whether they are from a checkpoint of clinimcl."""
    found = read_tensors(path)
    found = found.get("state_dict", found) if isinstance(found, Mapping) else found
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise UserError(f"{path} holds no weights: expected a state dict or a checkpoint of clinimcl")
    ours = {name.removeprefix(OURS): value for name, value in found.items() if name.startswith(OURS)}
    return ours or {name: value for name, value in found.items() if not name.startswith(HEAD)}, bool(ours)


def _grey(weights: dict[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if FIRST in weights and FIRST in own and weights[FIRST].shape[1:2] == (3,) and own[FIRST].shape[1:2] == (1,):
        return weights | {FIRST: weights[FIRST].sum(dim=1, keepdim=True)}
    return weights


def _some(names: list[str]) -> str:
    return f"{len(names)} ({names[0]}, …)" if len(names) > 1 else f"{len(names)} ({names[0]})" if names else "0"
