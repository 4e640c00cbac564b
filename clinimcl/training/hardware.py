"""What a trainer is set to and this machine does not have."""

from lightning.pytorch.accelerators import CUDAAccelerator, MPSAccelerator

from clinimcl.config.settings import Node
from clinimcl.errors import UserError

GPUS = {"gpu": (CUDAAccelerator, MPSAccelerator), "cuda": (CUDAAccelerator,), "mps": (MPSAccelerator,)}


def check(trainer: Node) -> None:
    """
    Raises:
        UserError: there is no GPU, no process is to train, or a CPU is to compute in float16 or bf16 throughout.
    """
    accelerator, devices = trainer["accelerator"], trainer["devices"]
    kinds = GPUS.get(accelerator, ())
    if kinds and not any(kind.is_available() for kind in kinds):
        raise UserError(
            f"trainer.accelerator={accelerator} needs a GPU, and PyTorch finds none on this machine: install the "
            "PyTorch that fits its driver (README, PyTorch for a GPU), or set trainer=cpu"
        )
    if (isinstance(devices, int) and devices < (-1 if kinds else 1)) or devices == 0:
        raise UserError(f"trainer.devices must be how many processes train, at least 1, got {devices}")
    precision = str(trainer["precision"])
    if accelerator == "cpu" and (precision.startswith("16") or precision == "bf16-true"):
        also = " trainer.sync_batchnorm=false" if trainer.get("sync_batchnorm") else ""
        raise UserError(
            f"trainer.precision={precision} is for GPUs, but trainer.accelerator=cpu: set "
            f"trainer.precision=32-true{also}"
        )
