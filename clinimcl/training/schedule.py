"""How the learning rate goes over a training."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def one_cycle(optimizer: Optimizer, total_steps: int, warm_up: float) -> LambdaLR:
    """Up to the optimizer's rate over the share `warm_up` of the steps, then down to 0, both along a cosine.

    Source: Smith and Topin 2018, with cosines as in fastai. Any number of steps will do, also one.
    """
    top = max(1.0, warm_up * total_steps)

    def share(step: int) -> float:
        if step + 1 <= top:
            return (1 - math.cos(math.pi * (step + 1) / (top + 1))) / 2
        return (1 + math.cos(math.pi * min(1.0, (step - top) / max(1.0, total_steps - top)))) / 2

    return LambdaLR(optimizer, share)
