"""Free the height and width of a network's input, without the ``onnx`` package.

Many fully convolutional detectors are exported with one fixed square although all of their operations work at any size.
Only the declared shapes stand in the way, so they are edited in the serialised protobuf: the input's height and width
become names, and so does every side of the outputs. Field numbers: onnx.proto (ONNX, IR version 3 and later); wire
format: Protocol Buffers, "Encoding".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from perdure.errors import ModelError

MODEL_GRAPH, GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_VALUE_INFO = 7, 11, 12, 13
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE, SHAPE_DIM, DIM_VALUE, DIM_NAME = 1, 2, 1, 2, 1, 1, 2
MOST_AXES = 16
VARINT, LONG, BYTES, SHORT = 0, 1, 2, 5


def free_size(model: bytes, tensor: str, layout: str = "NCHW") -> bytes:
    """The serialised model with a free height and width of one input; unchanged where they are free already.

    Raises:
        ModelError: these bytes are not a serialised ONNX model.
    """
    axes = (2, 3) if layout == "NCHW" else (1, 2)  # NHWC and CHW
    try:
        if not _is_fixed(model, tensor, axes):
            return model
        return _edit(model, {MODEL_GRAPH: lambda graph: _free_graph(graph, tensor, axes)})
    except (IndexError, UnicodeDecodeError) as error:
        raise ModelError("this file is not an ONNX model, or it is cut short") from error


def _free_graph(graph: bytes, tensor: str, axes: tuple[int, int]) -> bytes:
    def free_input(value: bytes) -> bytes:
        names = dict(zip(axes, ("height", "width"), strict=True))
        return _edit_shape(value, lambda shape: _name_dims(shape, names)) if _name(value) == tensor else value

    def free_output(value: bytes) -> bytes:
        # Equal names would promise equal sides, so every side gets its own.
        names = {axis: f"{_name(value)}_{axis}" for axis in range(MOST_AXES)}
        return _edit_shape(value, lambda shape: _name_dims(shape, names))

    return _edit(graph, {GRAPH_INPUT: free_input, GRAPH_OUTPUT: free_output, GRAPH_VALUE_INFO: None})


def _edit_shape(value: bytes, change: Callable[[bytes], bytes]) -> bytes:
    def in_tensor(tensor: bytes) -> bytes:
        return _edit(tensor, {TENSOR_SHAPE: change})

    return _edit(value, {VALUE_TYPE: lambda kind: _edit(kind, {TYPE_TENSOR: in_tensor})})


def _name_dims(shape: bytes, names: dict[int, str]) -> bytes:
    dims = enumerate(_children(shape, SHAPE_DIM))
    freed = [_field(DIM_NAME, names[axis].encode()) if axis in names else dim for axis, dim in dims]
    return b"".join(_field(SHAPE_DIM, dim) for dim in freed)


def _is_fixed(model: bytes, tensor: str, axes: tuple[int, int]) -> bool:
    for graph in _children(model, MODEL_GRAPH):
        for value in _children(graph, GRAPH_INPUT):
            if _name(value) == tensor:
                path = (VALUE_TYPE, TYPE_TENSOR, TENSOR_SHAPE)
                shapes = [value]
                for number in path:
                    shapes = [child for parent in shapes for child in _children(parent, number)]
                dims = [dim for shape in shapes for dim in _children(shape, SHAPE_DIM)]
                return any(
                    number == DIM_VALUE for axis in axes if axis < len(dims) for number, _, _, _ in _fields(dims[axis])
                )
    return False


def _name(value: bytes) -> str:
    return next((name.decode() for name in _children(value, VALUE_NAME)), "")


def _children(message: bytes, number: int) -> list[bytes]:
    return [content for found, kind, content, _ in _fields(message) if found == number and kind == BYTES]


def _edit(message: bytes, changes: dict[int, Callable[[bytes], bytes] | None]) -> bytes:
    """The message with some of its sub-messages changed, or dropped where the change is None; the rest as it was."""
    parts: list[bytes] = []
    for number, kind, content, whole in _fields(message):
        if number not in changes or kind != BYTES:
            parts.append(whole)
        elif (change := changes[number]) is not None:
            parts.append(_field(number, change(content)))
    return b"".join(parts)


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """(field number, wire type, content without its length, the whole field) in order."""
    at = 0
    while at < len(message):
        start = at
        key, at = _varint(message, at)
        kind = key & 7
        if kind == VARINT:
            content_at = at
            _, at = _varint(message, at)
        elif kind == BYTES:
            length, content_at = _varint(message, at)
            at = content_at + length
        elif kind in (LONG, SHORT):
            content_at, at = at, at + (8 if kind == LONG else 4)
        else:
            raise IndexError(f"wire type {kind}")
        if at > len(message):
            raise IndexError("a field ends after its message")
        yield key >> 3, kind, message[content_at:at], message[start:at]


def _field(number: int, content: bytes) -> bytes:
    return _to_varint(number << 3 | BYTES) + _to_varint(len(content)) + content


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError("a number of more than 64 bits")


def _to_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
