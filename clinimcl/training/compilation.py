"""How the networks are run in a training step: their layout in memory, and what is compiled."""

from dataclasses import dataclass
from typing import final

import lightning.pytorch as pl
import torch
from torch import nn
from torch._dynamo.exc import TorchDynamoException
from torch._inductor.exc import InductorError

from clinimcl.errors import UserError


@final
@dataclass(frozen=True)
class Step:
    channels_last: bool  # as the encoders lay themselves out; False: torch's default layout
    compile: bool  # encoder and projector, for the training alone: what is evaluated is never compiled

    def lay_out(self, encoder: nn.Module) -> None:
        if not self.channels_last:
            encoder.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # which stubs do not know

    def check(self) -> None:
        """
        Raises:
            UserError: what is compiled cannot be built here, as without a C++ compiler.
        """
        if self.compile:
            try:
                torch.compile(lambda one: one + 1)(torch.zeros(8))
            except (InductorError, TorchDynamoException) as error:
                raise UserError(
                    f"step.compile=true needs a working C++ compiler ({_first_line(error)}): install g++, or name one "
                    "in the environment variable CXX, or set step.compile=false"
                ) from None


@final
class CompileNetworks(pl.Callback):
    """In place, so that a checkpoint's names stay. What is compiled is compiled at the first batch, after
    `KeepNumbersRight` has had its say."""

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for network in (pl_module.encoder, pl_module.projector):
            if isinstance(network, nn.Module):
                network.compile()


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
