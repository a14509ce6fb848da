"""A stand-in for a teacher."""

from __future__ import annotations


def halves_teacher(path):
    """Write it: the mean colour of the upper and the lower half, BGR 0..255 in."""
    from onnx import TensorProto, checker, helper, save

    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 16, 8])
    vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", 6])
    nodes = [
        helper.make_node("AveragePool", ["images"], ["halves"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["halves"], ["vectors"]),
    ]
    graph = helper.make_graph(nodes, "halves", [images], [vectors])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    save(model, str(path))
    return path
