from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from perdure.train.embedder.muon import Muon, mixes_channels, orthogonal  # noqa: E402


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31 - 1))
def test_singular_values_come_near_one_and_directions_stay(rows, columns, seed):
    rng = np.random.default_rng(seed)
    rank = min(rows, columns)
    left = np.linalg.qr(rng.normal(size=(rows, rank)))[0]
    right = np.linalg.qr(rng.normal(size=(columns, rank)))[0]
    told = left @ np.diag(rng.uniform(0.05, 1.0, rank)) @ right.T
    turned = orthogonal(torch.from_numpy(told).float()).numpy()
    assert turned.shape == (rows, columns)
    inner = left.T @ turned @ right  # diagonal where the directions are the same
    assert np.all(np.diag(inner) > 0.67)
    assert np.all(np.diag(inner) < 1.22)
    np.testing.assert_allclose(inner, np.diag(np.diag(inner)), atol=1e-3)


def test_the_first_step_is_as_long_as_one_of_adamw_and_decays_the_weight():
    weight = nn.Parameter(torch.full((6, 4, 3, 3), 2.0))
    weight.grad = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4, 3, 3))).float()
    Muon([{"params": [weight], "weight_decay": 0.5}], lr=0.01).step()
    moved = weight.detach() - 2.0 * (1 - 0.01 * 0.5)
    assert float(moved.square().mean().sqrt()) == pytest.approx(0.2 * 0.01, rel=0.2)
    assert float((moved * weight.grad).sum()) < 0


def test_a_parameter_without_gradient_stays():
    weight = nn.Parameter(torch.ones(3, 3))
    Muon([{"params": [weight], "weight_decay": 0.5}], lr=0.1).step()
    assert torch.equal(weight.detach(), torch.ones(3, 3))


def test_it_finds_the_least_squares_solution_where_one_direction_is_hundred_times_steeper():
    torch.manual_seed(0)
    inputs = torch.randn(200, 8) * torch.logspace(0, -1, 8)
    wanted = torch.randn(8, 5)
    weight = nn.Parameter(torch.zeros(5, 8))
    optimizer = Muon([{"params": [weight]}], lr=0.1)
    for step in range(300):
        optimizer.param_groups[0]["lr"] = 0.3 * (1 - step / 300)
        optimizer.zero_grad()
        (inputs @ weight.T - inputs @ wanted).square().mean().backward()
        optimizer.step()
    assert float((weight.detach().T - wanted).abs().max()) < 0.05


def test_depthwise_kernels_norms_and_biases_are_for_adamw():
    net = nn.Sequential(nn.Conv2d(8, 8, 3, groups=8), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1))
    assert [name for name, p in net.named_parameters() if mixes_channels(p)] == ["2.weight"]
