"""A network → an ONNX file that runs without torch."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

OPSET = 18


@torch.no_grad()  # tensors of inference mode could not be traced
def write_network(network: nn.Module, inputs: Mapping[str, Tensor], output: str, path: Path) -> None:
    """In float32, any number of `inputs` (their first axis) at a time; `network` takes them by position."""
    batch = {name: {0: torch.export.Dim.DYNAMIC} for name in inputs}
    network = network.to(torch.device("cpu"), torch.float32).eval()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
    with warnings.catch_warnings(action="ignore"):  # of its own making, and none that a user could heed
        program = torch.onnx.export(
            network,
            tuple(inputs.values()),
            dynamo=True,
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes=tuple(batch.values()),
            opset_version=OPSET,
            optimize=True,
            verbose=False,
        )
    assert program is not None
    path.write_bytes(_bare(program.model_proto).SerializeToString())


def _bare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without what the exporter notes beside a network: files of this machine, and shapes that it then makes wrong."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    graph.ClearField("value_info")
    onnx.checker.check_model(model, full_check=True)
    return model
