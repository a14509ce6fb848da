"""Exact products of bytes by onnxruntime, whose ``MatMulInteger`` reaches the dot-product units of a CPU (VNNI)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

Product: TypeAlias = Callable[[npt.NDArray[np.uint8], npt.NDArray[np.int8]], npt.NDArray[np.int32]]


def integer_dots(threads: int = 1) -> Product | None:
    """(n, D) uint8 times (D, B) int8 of -64 to 64 -> (n, B) int32; None where this CPU's kernel is not exact.

    Without VNNI the kernel for uint8 times int8 adds pairs of products in 16 bits. They fit, for 2 * 255 * 64 is less
    than 2^15; larger probes would saturate.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    net = ort.InferenceSession(_network(), options, providers=["CPUExecutionProvider"])

    def dots(codes: npt.NDArray[np.uint8], probes: npt.NDArray[np.int8]) -> npt.NDArray[np.int32]:
        product: npt.NDArray[np.int32] = net.run(None, {"A": codes, "B": probes})[0]
        return product

    rows = np.tile(np.array([255, 1, 128, 255], np.uint8), (8, 64))
    columns = np.tile(np.array([64, -64, 64, 64], np.int8), (8, 64)).T.copy()
    exact = np.array_equal(dots(rows, columns), rows.astype(np.int32) @ columns.astype(np.int32))
    return dots if exact else None


def _network() -> bytes:
    """An ONNX model of one node, written by hand: the package ``onnx`` is needed for training only.

    Fields as in onnx.proto3: a field is its number and wire type (0 varint, 2 length-delimited), then its content.
    """

    def field(number: int, content: bytes | int) -> bytes:
        if isinstance(content, int):
            return struct.pack("BB", number << 3, content)
        return struct.pack("BB", number << 3 | 2, len(content)) + content

    def port(name: bytes, element: int) -> bytes:
        shape = field(1, field(2, b"r" + name)) + field(1, field(2, b"c" + name))
        tensor = field(1, element) + field(2, shape)
        return field(1, name) + field(2, field(1, tensor))

    node = field(1, b"A") + field(1, b"B") + field(2, b"Y") + field(4, b"MatMulInteger")
    uint8, int8, int32 = 2, 3, 6
    graph = field(1, node) + field(2, b"g")
    graph += field(11, port(b"A", uint8)) + field(11, port(b"B", int8)) + field(12, port(b"Y", int32))
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))
