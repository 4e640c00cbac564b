import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from clinimcl.losses import log_sums as blocks
from clinimcl.losses.log_sums import log_sums

SUBJECTS = [0, 1, 2, 0, 3, 4, 1]


@pytest.fixture(params=[1, 3, 256], ids=lambda rows: f"blocks of {rows}")
def block(request, monkeypatch):
    """Blocks that divide seven rows, that do not, and that are larger."""
    monkeypatch.setitem(blocks.ROWS, "cpu", request.param)


def matrices(batch=7, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, 5, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2)]


def transcribed(anchor, positive, subject):
    """Row after row and column after column, with loops."""
    logits = anchor @ positive.T

    def counted(own):
        return [j for j in range(len(subject)) if j == own or subject[j] != subject[own]]

    rows = [torch.stack([logits[i, j] for j in counted(i)]).logsumexp(0) for i in range(len(subject))]
    columns = [torch.stack([logits[i, j] for i in counted(j)]).logsumexp(0) for j in range(len(subject))]
    return torch.stack([torch.stack(rows), torch.stack(columns)])


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("subject", [SUBJECTS, list(range(7))], ids=["same subjects", "all differ"])
@pytest.mark.parametrize("symmetric", [False, True])
def test_values_and_gradients_are_those_of_the_whole_matrix(subject, symmetric):
    weight = torch.rand(1 + symmetric, 7, dtype=torch.float64)
    results = []
    for function in (
        lambda *both: log_sums(*both, torch.tensor(subject), symmetric=symmetric),
        lambda *both: transcribed(*both, subject)[: 1 + symmetric],
    ):
        both = matrices()
        found = function(*both)
        of_mean = torch.autograd.grad(found.mean(), both, retain_graph=True)
        results.append([found, *of_mean, *torch.autograd.grad((weight * found).sum(), both)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("symmetric", [False, True])
def test_gradients_are_those_of_finite_differences(symmetric):
    assert torch.autograd.gradcheck(
        lambda *both: log_sums(*both, torch.tensor(SUBJECTS), symmetric=symmetric), matrices(), fast_mode=True
    )


@pytest.mark.parametrize("symmetric", [False, True])
def test_there_is_never_a_whole_matrix(symmetric):
    anchor, positive = (torch.randn(2048, 8, requires_grad=True) for _ in range(2))
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        log_sums(anchor, positive, torch.arange(2048) // 2, symmetric=symmetric).mean().backward()
    now, peak = 0, 0
    for event in sorted(seen.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        now += event.nbytes() if event.name() == "[memory]" else 0
        peak = max(peak, now)
    assert 0 < peak < 0.5 * 4 * 2048**2
