"""The gradient of a big batch in the memory of a small one."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import Function, once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import get_device_states, set_device_states

from clinimcl.data.batches import PairBatch
from clinimcl.errors import UserError

Project = Callable[[PairBatch, int], Float[Tensor, "view chunk projection"]]


def split(batch: PairBatch, pairs: int) -> list[PairBatch]:
    """Chunks of so many pairs, the last one smaller where they do not divide the batch; nothing is copied."""
    return [PairBatch(*chunk) for chunk in zip(*(part.split(pairs) for part in batch), strict=True)]


def in_chunks(
    project: Project, chunks: Sequence[PairBatch], parameters: Iterable[nn.Parameter]
) -> Float[Tensor, "view batch projection"]:
    """`project(chunk, number)` of all chunks, joined; the gradient of `parameters` is that of the whole batch.

    What a chunk's forward pass computes is forgotten, but for the last one's, and computed again in backward, with the
    same random state. In the graph all of it is one operation on the parameters, so that each gets its gradient once:
    precision, clipping, accumulation and DDP are as without chunks.

    Source: Gao et al. 2021.
    """
    return _GradientCache.apply(project, chunks, *(one for one in parameters if one.requires_grad))


@final
class _GradientCache(Function):
    """What outlives a chunk is allocated before the first one: amid freed memory it would leave holes too small."""

    @staticmethod
    def forward(ctx: Any, project: Project, chunks: Sequence[PairBatch], *parameters: Tensor) -> Tensor:
        device = chunks[0].anchor.device.type
        ctx.project, ctx.chunks, ctx.parameters = project, chunks, parameters
        ctx.sizes = [len(chunk.subject) for chunk in chunks]
        ctx.total = [torch.zeros_like(parameter) for parameter in parameters]
        ctx.random = torch.get_rng_state(), *get_device_states(chunks[0].anchor)
        half, enabled = torch.get_autocast_dtype(device), torch.is_autocast_enabled(device)
        ctx.autocast = torch.autocast(device, half, enabled=enabled)
        joined: Tensor | None = None
        for number, chunk in enumerate(chunks[:-1]):
            joined = _filled(joined, project(chunk, number), ctx.sizes, number)
        with torch.enable_grad():
            ctx.last = project(chunks[-1], len(chunks) - 1)
        return _filled(joined, ctx.last, ctx.sizes, len(chunks) - 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        *of_chunks, of_last = gradient.split(ctx.sizes, dim=1)
        _add(ctx.total, torch.autograd.grad(ctx.last, ctx.parameters, of_last))
        state, devices, of_devices = ctx.random
        with torch.random.fork_rng(devices), ctx.autocast, torch.enable_grad():
            torch.set_rng_state(state)
            set_device_states(devices, of_devices)
            for number, of_chunk in enumerate(of_chunks):
                projected = ctx.project(ctx.chunks[number], number)
                _add(ctx.total, torch.autograd.grad(projected, ctx.parameters, of_chunk))
        return None, None, *ctx.total


def _filled(joined: Tensor | None, projected: Tensor, sizes: list[int], number: int) -> Tensor:
    if joined is None:
        joined = projected.new_empty(projected.shape[0], sum(sizes), projected.shape[2])
    joined.split(sizes, dim=1)[number].copy_(projected)
    return joined


def _add(total: Sequence[Tensor], gradients: Sequence[Tensor]) -> None:
    for one, gradient in zip(total, gradients, strict=True):
        one += gradient


def check_chunks(chunk: int | None, *networks: nn.Module) -> None:
    """
    Raises:
        UserError: there are chunks, and a network whose batch norm would see them and not the batch.
    """
    for network in networks:
        if chunk is not None and any(isinstance(part, _BatchNorm) and part.training for part in network.modules()):
            raise UserError(
                f"pretrain.chunk={chunk} cannot give the gradient of the batch: {type(network).__name__} has batch "
                "norm, whose statistics would be those of each chunk; set pretrain.chunk=null, or take an encoder "
                "without batch norm, such as cnn3d"
            )
