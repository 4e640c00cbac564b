import pytest
import torch

from clinimcl.training.schedule import one_cycle


def rates(steps, warm_up=0.25):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    schedule, seen = one_cycle(optimizer, steps, warm_up), []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def test_the_rate_rises_to_its_top_and_falls_to_almost_nothing():
    seen = rates(100)
    assert seen[:25] == sorted(seen[:25])
    assert seen[25:] == sorted(seen[25:], reverse=True)
    assert max(seen) == pytest.approx(0.4, rel=0.01)
    assert seen[-1] < 0.001


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7])
def test_short_trainings_have_a_rate_above_zero_at_every_step(steps):
    assert len(rates(steps)) == steps
    assert min(rates(steps)) > 0
