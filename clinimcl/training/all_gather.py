"""One batch out of the parts that several processes hold; where there is one process, its part is the batch."""

from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Shaped
from torch import Tensor, distributed
from torch.autograd.function import Function, once_differentiable
from torchmetrics.utilities.distributed import gather_all_tensors


def joined(part: Shaped[Tensor, "..."], dim: int = 0) -> Shaped[Tensor, "..."]:
    """The parts of all processes along `dim`, in order of rank; they must be of one shape.

    Backward sums the gradients that all processes have for a part. Where each computes the loss of the whole batch, and
    DDP takes the mean of their gradients, that is the gradient of one process with the whole batch.
    """
    return _Joined.apply(part, dim) if _several() else part


def joined_parts(parts: Sequence[Shaped[Tensor, "..."]], dim: int = 0) -> Shaped[Tensor, "..."]:
    """The parts of all processes along `dim`, of any length and number, without their gradients."""
    own = torch.cat(list(parts), dim=dim)
    return torch.cat(gather_all_tensors(own), dim=dim) if _several() else own


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized()


@final
class _Joined(Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor, dim: int) -> Tensor:
        ctx.dim, part = dim, part.contiguous()
        parts = [torch.empty_like(part) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, part)
        return torch.cat(parts, dim=dim)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        total = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total.chunk(distributed.get_world_size(), dim=ctx.dim)[distributed.get_rank()], None
