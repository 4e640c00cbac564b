"""Log-sum-exp over the rows and columns of a matrix of logits that is never there as a whole."""

from collections.abc import Iterator
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import Function, once_differentiable

ROWS = {"cpu": 256, "cuda": 2048}  # of a block: as many logits as caches hold, or as keep a GPU busy
LARGEST_LOGIT = {torch.float32: 75.0, torch.float64: 690.0}  # whose exponential, and its inverse, are normal numbers


def log_sums(
    anchor: Float[Tensor, "batch projection"],
    positive: Float[Tensor, "batch projection"],
    subject: Int[Tensor, " batch"],
    *,
    symmetric: bool,
) -> Float[Tensor, "direction batch"]:
    """Log of the sum of exponentials of anchor @ positive.T along each row and, if symmetric, also along each column.

    Pairs of the same subject are left out, but for the diagonal. No logit may be larger than `LARGEST_LOGIT`, so that
    no maximum is subtracted and both directions share their exponentials. Backward computes them again; memory grows
    with the batch alone.
    """
    # on a GPU the question would wait for it: there, same subjects are always looked for
    differ = not subject.is_cuda and len(subject.unique()) == len(subject)
    return _LogSums.apply(anchor, positive, None if differ else subject, symmetric)


@final
class _LogSums(Function):
    @staticmethod
    def forward(ctx: Any, anchor: Tensor, positive: Tensor, subject: Tensor | None, symmetric: bool) -> Tensor:
        sums = anchor.new_zeros(1 + symmetric, len(anchor))
        # the gradient of a mean over rows needs no second look at the logits; on a GPU to know it is one takes longer
        mean = None
        if not symmetric and not anchor.is_cuda and any(ctx.needs_input_grad):
            mean = torch.empty_like(anchor), torch.zeros_like(positive)
        for rows in _blocks(anchor):
            exponentials = _exponentials(anchor, positive, subject, rows)
            sums[0, rows] = exponentials.sum(dim=1)
            if symmetric:
                sums[1] += exponentials.sum(dim=0)
            if mean is not None:
                _add_gradient(mean, exponentials.div_(sums[0, rows, None]), anchor, positive, rows)
        ctx.save_for_backward(anchor, positive, subject, sums, *(mean or ()))
        return sums.log()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor, Tensor, None, None]:
        anchor, positive, subject, sums, *mean = ctx.saved_tensors
        if mean and bool((weight == weight[0, 0]).all()):
            return mean[0] * weight[0, 0], mean[1] * weight[0, 0], None, None
        gradient = torch.empty_like(anchor), torch.zeros_like(positive)
        weight = weight / sums
        for rows in _blocks(anchor):
            exponentials = _exponentials(anchor, positive, subject, rows)
            exponentials *= weight[0, rows, None] if len(weight) == 1 else weight[0, rows, None] + weight[1]
            _add_gradient(gradient, exponentials, anchor, positive, rows)
        return *gradient, None, None


def _blocks(anchor: Tensor) -> Iterator[slice]:
    rows = ROWS.get(anchor.device.type, ROWS["cpu"])
    return (slice(start, min(start + rows, len(anchor))) for start in range(0, len(anchor), rows))


def _exponentials(anchor: Tensor, positive: Tensor, subject: Tensor | None, rows: slice) -> Tensor:
    exponentials = (anchor[rows] @ positive.T).exp_()
    if subject is not None:
        same = subject[rows, None] == subject
        same.diagonal(rows.start).fill_(False)
        exponentials.masked_fill_(same, 0)
    return exponentials


def _add_gradient(
    gradient: tuple[Tensor, Tensor], of_logits: Tensor, anchor: Tensor, positive: Tensor, rows: slice
) -> None:
    torch.mm(of_logits, positive, out=gradient[0][rows])
    gradient[1].addmm_(of_logits.T, anchor[rows])
