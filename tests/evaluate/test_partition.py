"""B-cubed, pairs and IDF1 equal plain loops over items; perfect, coarse and fine partitions score as they should."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.evaluate.partition import partition

items = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=10)


@settings(max_examples=150, deadline=None)
@given(items)
def test_equals_plain_loops(rows: list[tuple[int, int, int]]) -> None:
    truth, predicted, weight = (list(column) for column in zip(*rows, strict=True))
    n, total = range(len(rows)), sum(weight)

    def b_cubed(own: list[int], other: list[int]) -> float:
        shares = []
        for i in n:
            group = [j for j in n if own[j] == own[i]]
            right = sum(weight[j] for j in group if other[j] == other[i])
            shares.append(weight[i] * right / sum(weight[j] for j in group))
        return sum(shares) / total

    def pairs(labels: list[int]) -> set[tuple[int, int]]:
        return {(i, j) for i, j in combinations(n, 2) if labels[i] == labels[j]}

    def ratio(part: int, whole: int) -> float:
        return part / whole if whole else 1.0

    people, ids = sorted(set(truth)), [*sorted(set(predicted)), *[-1] * 4]
    shared = {(p, i): sum(w for t, q, w in rows if (t, q) == (p, i)) for p in people for i in ids}
    best = max(
        sum(shared[p, i] for p, i in zip(people, order, strict=False)) for order in set(permutations(ids, len(people)))
    )
    together = len(pairs(truth) & pairs(predicted))

    scores = partition(truth, predicted, weight)
    assert scores.b_cubed_precision == pytest.approx(b_cubed(predicted, truth))
    assert scores.b_cubed_recall == pytest.approx(b_cubed(truth, predicted))
    assert scores.pair_precision == pytest.approx(ratio(together, len(pairs(predicted))))
    assert scores.pair_recall == pytest.approx(ratio(together, len(pairs(truth))))
    assert scores.idf1 == pytest.approx(best / total)
    assert scores.purity == pytest.approx(sum(max(shared[p, i] for p in people) for i in set(predicted)) / total)
    spread = [len({i for t, i, _ in rows if t == p}) for p in people]
    assert scores.fragments_per_person == pytest.approx(np.mean(spread))
    assert scores.mixed_ids == sum(len({t for t, q, _ in rows if q == i}) > 1 for i in set(predicted))


def test_a_perfect_partition_under_other_names() -> None:
    scores = partition(["a", "a", "b"], [7, 7, 3])
    assert scores.b_cubed_f == scores.pair_f == scores.idf1 == scores.purity == scores.fragments_per_person == 1.0


def test_everybody_in_one_identity_loses_precision_only() -> None:
    scores = partition([0, 0, 1, 1], [5, 5, 5, 5])
    assert (scores.b_cubed_precision, scores.b_cubed_recall) == (0.5, 1.0)
    assert (scores.pair_recall, scores.idf1, scores.mixed_ids) == (1.0, 0.5, 1)
    assert scores.pair_precision == pytest.approx(1 / 3)


def test_everybody_alone_loses_recall_only() -> None:
    scores = partition([0, 0, 1, 1], [1, 2, 3, 4])
    assert (scores.b_cubed_precision, scores.b_cubed_recall) == (1.0, 0.5)
    assert (scores.pair_precision, scores.pair_recall, scores.fragments_per_person) == (1.0, 0.0, 2.0)


def test_weights_count_like_copies() -> None:
    weighted = partition([0, 0, 1], [0, 1, 1], [3, 1, 2])
    copied = partition([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1])
    for name in ("b_cubed_f", "idf1", "purity"):
        assert getattr(weighted, name) == pytest.approx(getattr(copied, name))


def test_no_item_is_defined_and_other_lengths_are_refused() -> None:
    assert partition([], []).idf1 == 1.0
    with pytest.raises(ValueError, match="2 true and 1 predicted"):
        partition([1, 2], [1])


def test_figures_have_every_name() -> None:
    figures = partition([0, 1], [0, 1]).figures()
    assert {"b_cubed_f", "pair_f", "idf1", "purity", "fragments_per_person", "people", "ids"} <= figures.keys()
