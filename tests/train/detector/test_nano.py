"""The net's pieces against plain torch."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from perdure.train.detector.nano import (
    Focus,
    PyramidPool,
    YoloxNano,
    anchor_points,
    decode_boxes,
    flatten_levels,
    space_to_depth,
)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96), (96, 160)])
def test_there_is_a_row_for_every_grid_point(height: int, width: int) -> None:
    net = YoloxNano(classes=1, width=4).eval()
    with torch.no_grad():
        rows = flatten_levels(net(torch.zeros(2, 3, height, width)))
    points, strides = anchor_points(height, width)
    assert rows.shape == (2, len(points), 6)
    assert len(strides) == sum((height // s) * (width // s) for s in (8, 16, 32))


def test_chained_pools_equal_the_three_windows() -> None:
    pool, x = PyramidPool(8), torch.randn(1, 8, 20, 24)
    reduced = pool.reduce(x)
    wide = [functional.max_pool2d(reduced, size, 1, size // 2) for size in (5, 9, 13)]
    torch.testing.assert_close(pool(x), pool.merge(torch.cat([reduced, *wide], dim=1)))


def test_space_to_depth_takes_each_block_column_by_column() -> None:
    image = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(1, 3, 2, 2)
    assert space_to_depth(image)[0, ::3, 0, 0].tolist() == [1.0, 3.0, 2.0, 4.0]


def test_the_first_layer_is_also_one_convolution() -> None:
    focus = Focus(5)
    images = torch.rand(2, 3, 32, 48)
    torch.testing.assert_close(focus.as_one_convolution()(images), focus(images))


def test_rows_decode_from_the_corner_of_their_cell() -> None:
    points, strides = anchor_points(64, 96)
    rows = torch.zeros(len(points), 6)
    row = 12 + 1  # second cell of the second line at stride 8
    rows[row, :4] = torch.tensor([0.5, 1.0, 0.0, 1.0])
    box = decode_boxes(rows, points, strides)[row]
    middle, half = torch.tensor([8 + 4.0, 8 + 8.0]), torch.tensor([4.0, 4.0 * torch.e])
    torch.testing.assert_close(box, torch.cat([middle - half, middle + half]))
