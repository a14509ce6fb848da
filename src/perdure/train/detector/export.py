"""`YoloxNano` to ONNX, in the row form of the published YOLOX files."""

from __future__ import annotations

import copy
import hashlib
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from perdure.train.detector.nano import BOX_AND_OBJECT_CHANNELS, Focus, YoloxNano, flatten_levels

DENORMAL_BELOW = 1e-15
_INPUT_DIMENSIONS = ("batch", "channels", "height", "width")
_OUTPUT_DIMENSIONS = ("batch", "rows", "columns")


class Rows(nn.Module):
    """Raw maps as undecoded YOLOX rows (cx, cy, log w, log h in grid units), scores through a sigmoid."""

    def __init__(self, net: YoloxNano) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) BGR 0..255 -> (B, N, 5 + classes)."""
        maps = self.net(images)
        split = BOX_AND_OBJECT_CHANNELS - 1
        return flatten_levels([torch.cat([level[:, :split], level[:, split:].sigmoid()], dim=1) for level in maps])


def export_onnx(net: YoloxNano, path: Path) -> str:
    """Write the net with dynamic batch, height and width; returns the file's sha256.

    Weights below 1e-15 are set to zero: denormals slow a CPU several times over and change nothing.
    """
    plain = copy.deepcopy(net)
    if isinstance(plain.stem, Focus):
        plain.stem = plain.stem.as_one_convolution()
    rows = Rows(plain).eval()
    with torch.no_grad():
        for parameter in rows.parameters():
            parameter.data = torch.where(parameter.abs() < DENORMAL_BELOW, 0.0, parameter).contiguous()
    batch, high, wide = torch.export.Dim("batch"), torch.export.Dim("high"), torch.export.Dim("wide")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter deprecates parts of itself
        program = torch.onnx.export(
            rows,
            (torch.zeros(2, 3, 96, 160),),
            input_names=["images"],
            output_names=["output"],
            dynamic_shapes={"images": {0: batch, 2: 32 * high, 3: 32 * wide}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    for holder in (model.graph, *model.graph.node, *model.graph.value_info):
        del holder.metadata_props[:]
        holder.doc_string = ""
    del model.graph.value_info[:]
    for value, names in ((model.graph.input[0], _INPUT_DIMENSIONS), (model.graph.output[0], _OUTPUT_DIMENSIONS)):
        for dimension, name in zip(value.type.tensor_type.shape.dim, names, strict=True):
            if dimension.dim_param:
                dimension.dim_param = name
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
