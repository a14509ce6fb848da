"""What the file keeps: large kernels in eight bits, most else in half precision, and all as computed with."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

torch = pytest.importorskip("torch")

from perdure.train.embedder.export import LARGE_KERNEL, export_onnx, in_bytes, rounded  # noqa: E402
from perdure.train.embedder.nets import BodyNet, NetShape  # noqa: E402
from perdure.train.embedder.restore import load_shipped  # noqa: E402

WIDE = NetShape(stem=8, widths=(8, 112), depths=(1, 1), parts=1, dim=8)
numbers = st.floats(-8, 8, width=32)


@given(arrays(np.float32, (3, 2, 3, 3), elements=numbers))
def test_eight_bits_keep_each_number_to_half_a_step_of_its_output(kernel):
    codes, scales = in_bytes(kernel)
    assert codes.dtype == np.int8
    largest = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True)
    assert np.all(np.abs(codes * scales - kernel) <= largest / 254 * 1.001 + 1e-12)
    again, _ = in_bytes(np.asarray(codes * scales, np.float32))
    np.testing.assert_array_equal(again, codes)


def test_small_tensors_are_kept_whole_and_the_smallest_numbers_are_zero():
    some = np.array([1.0 + 2**-20, 1e-20, -3.0], np.float32)
    np.testing.assert_array_equal(rounded(some), np.array([1.0 + 2**-20, 0.0, -3.0], np.float32))
    many = np.full((300,), 1.0 + 2**-20, np.float32)
    np.testing.assert_array_equal(rounded(many), np.ones(300, np.float32))


def test_large_kernels_are_kept_in_eight_bits_and_come_back(tmp_path):
    torch.manual_seed(0)
    net = BodyNet(WIDE).eval()
    with torch.no_grad():
        for weight in net.parameters():
            if weight.ndim == 1:  # gains and offsets, as if trained
                weight.uniform_(0.5, 1.5)
    pictures = torch.rand(4, 3, 32, 16) * 255
    done = export_onnx(net, (32, 16), tmp_path / "net.onnx", pictures)
    assert done.difference < 1e-4
    assert 0.999 < done.rounding_cosine < 1.0
    kept = {t.name: t for t in onnx.load(str(done.path)).graph.initializer}
    small = [name for name, t in kept.items() if t.data_type == onnx.TensorProto.INT8]
    assert small == ["net.stages.1.0.conv2.weight.bytes"]
    assert np.prod(kept[small[0]].dims) >= LARGE_KERNEL
    again = BodyNet(WIDE)
    load_shipped(again, done.path, pictures)
    with torch.no_grad():
        likeness = torch.nn.functional.cosine_similarity(again.eval()(pictures).embedding, net(pictures).embedding)
    assert likeness.min() > 0.999
