"""What tests ask of the processor."""

import platform

import pytest
import torch

NEEDS_AVX2 = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() == "DEFAULT", reason="OpenVINO runs no instance norm by SSE4.1 alone"
)
NEEDS_X86 = pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="a limit of x86 processors")
