"""Each loss against a plain loop."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from perdure.train.embedder import losses  # noqa: E402


def _case(seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(12, 5, generator=generator)
    labels = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    return vectors, labels


def test_identity_loss_is_smoothed_cross_entropy():
    logits, labels = torch.randn(12, 4, generator=torch.Generator().manual_seed(1)), _case()[1]
    total = 0.0
    for row, label in zip(logits.double(), labels.tolist(), strict=True):
        log_share = [float(v) - math.log(sum(math.exp(float(w)) for w in row)) for v in row]
        total -= sum((0.9 * (k == label) + 0.1 / 4) * p for k, p in enumerate(log_share))
    assert float(losses.identity_loss(logits, labels, 0.1)) == pytest.approx(total / 12, abs=1e-5)


def test_batch_hard_triplet_is_the_hardest_pair_of_each_anchor():
    vectors, labels = _case()
    total = 0.0
    for i in range(12):
        apart = [float((vectors[i] - vectors[j]).norm()) for j in range(12)]
        far = max(d for j, d in enumerate(apart) if labels[j] == labels[i] and j != i)
        near = min(d for j, d in enumerate(apart) if labels[j] != labels[i])
        total += math.log1p(math.exp(far - near))
    assert float(losses.batch_hard_triplet(vectors, labels)) == pytest.approx(total / 12, abs=1e-4)


def test_triplet_of_identical_vectors_has_a_finite_gradient():
    vectors = torch.zeros(4, 3, requires_grad=True)
    losses.batch_hard_triplet(vectors, torch.tensor([0, 0, 1, 1])).backward()
    assert torch.isfinite(vectors.grad).all()


def test_teacher_losses_are_zero_for_a_scaled_teacher_and_positive_otherwise():
    vectors, _ = _case()
    assert float(losses.teacher_cosine(3 * vectors, vectors)) == pytest.approx(0, abs=1e-6)
    assert float(losses.teacher_relations(3 * vectors, vectors)) == pytest.approx(0, abs=1e-6)
    other = _case(2)[0]
    expected = sum(1 - float(torch.dot(a, b) / a.norm() / b.norm()) for a, b in zip(vectors, other, strict=True)) / 12
    assert float(losses.teacher_cosine(vectors, other)) == pytest.approx(expected, abs=1e-5)


def test_teacher_relations_is_the_mean_over_pairs_and_allows_another_length():
    vectors, other = _case()[0], torch.randn(12, 9, generator=torch.Generator().manual_seed(3))

    def cosine(a, b):
        return float(torch.dot(a, b) / a.norm() / b.norm())

    pairs = [(cosine(vectors[i], vectors[j]) - cosine(other[i], other[j])) ** 2 for i in range(12) for j in range(12)]
    assert float(losses.teacher_relations(vectors, other)) == pytest.approx(sum(pairs) / 144, abs=1e-5)


def test_quality_ordering_counts_only_pairs_inside_the_margin():
    better, worse = torch.tensor([0.9, 0.5, 0.2]), torch.tensor([0.1, 0.45, 0.6])
    assert float(losses.quality_ordering(better, worse, 0.1)) == pytest.approx((0 + 0.05 + 0.5) / 3, abs=1e-6)


def test_centroid_triplet_leaves_the_anchor_out_of_its_own_mean():
    vectors, labels = _case()
    total = 0.0
    for i in range(12):
        own = torch.stack([vectors[j] for j in range(12) if labels[j] == labels[i] and j != i]).mean(0)
        means = [vectors[labels == k].mean(0) for k in range(4) if k != labels[i]]
        near = min(float((vectors[i] - m).norm()) for m in means)
        total += math.log1p(math.exp(float((vectors[i] - own).norm()) - near))
    assert float(losses.centroid_triplet(vectors, labels)) == pytest.approx(total / 12, abs=1e-4)


def test_contrastive_counts_same_pairs_and_only_active_different_pairs():
    vectors, labels = _case()
    same, active = [], []
    for i in range(12):
        for j in range(12):
            cosine = float(torch.nn.functional.cosine_similarity(vectors[i], vectors[j], dim=0))
            if i != j and labels[i] == labels[j]:
                same.append(1 - cosine)
            elif labels[i] != labels[j] and cosine > 0.4:
                active.append(cosine - 0.4)
    expected = sum(same) / len(same) + sum(active) / len(active)
    assert float(losses.contrastive(vectors, labels, 0.4)) == pytest.approx(expected, abs=1e-4)


def test_circle_loss_against_the_formula():
    vectors, labels = _case()
    m, gamma, total = 0.25, 8.0, 0.0
    for i in range(12):
        pull = push = 0.0
        for j in range(12):
            s = float(torch.nn.functional.cosine_similarity(vectors[i], vectors[j], dim=0))
            if labels[i] == labels[j] and i != j:
                pull += math.exp(-gamma * max(0, 1 + m - s) * (s - (1 - m)))
            elif labels[i] != labels[j]:
                push += math.exp(gamma * max(0, s + m) * (s - m))
        total += math.log1p(pull * push)
    assert float(losses.circle(vectors, labels, m, gamma)) == pytest.approx(total / 12, rel=1e-4)


def test_centre_is_half_the_mean_squared_distance_to_the_own_centre():
    (vectors, labels), centres = _case(), _case(5)[0][:4]
    total = sum(float((vectors[i] - centres[labels[i]]).square().sum()) for i in range(12))
    assert float(losses.centre(vectors, labels, centres)) == pytest.approx(total / 24, rel=1e-5)


def test_centres_move_as_in_the_paper_and_others_stay():
    vectors, centres, labels = _case()[0][:5], _case(5)[0][:4], torch.tensor([0, 0, 0, 2, 2])
    expected = centres.clone()
    for k, n in ((0, 3), (2, 2)):
        difference = sum(centres[k] - vectors[i] for i in range(5) if labels[i] == k) / (1 + n)
        expected[k] = centres[k] - 0.5 * difference
    torch.testing.assert_close(losses.moved_centres(centres, vectors, labels, 0.5), expected)


def test_centres_that_follow_settle_in_the_middle_of_their_identity():
    vectors, labels = _case()
    centres = torch.zeros(4, 5)
    for _ in range(60):
        centres = losses.moved_centres(centres, vectors, labels)
    middle = torch.stack([vectors[labels == k].mean(0) for k in range(4)])
    torch.testing.assert_close(centres, middle, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["batch_hard_triplet", "centroid_triplet", "contrastive", "circle"])
def test_metric_losses_fall_when_identities_come_apart(name):
    labels = _case()[1]
    loss = getattr(losses, name)
    apart, mixed = torch.eye(5)[labels] + 0.05 * _case()[0], _case()[0]
    assert float(loss(apart, labels)) < float(loss(mixed, labels))


def test_box_consistency_is_one_minus_the_mean_cosine():
    first, second = _case()[0], _case(1)[0]
    total = sum(float(a @ b / (a.norm() * b.norm())) for a, b in zip(first, second, strict=True))
    assert float(losses.box_consistency(first, second)) == pytest.approx(1 - total / len(first), abs=1e-5)
    assert float(losses.box_consistency(first, 3 * first)) == pytest.approx(0, abs=1e-6)


def test_camera_proxies_are_two_softmaxes_in_and_across_cameras():
    vectors = torch.nn.functional.normalize(_case()[0][:3], dim=1)
    proxies = torch.nn.functional.normalize(_case(4)[0][:5], dim=1)
    group, camera, own = torch.tensor([0, 0, 1, 1, 2]), torch.tensor([0, 1, 0, 1, 0]), torch.tensor([0, 3, 4])
    total = across = 0.0
    counted = 0
    for vector, mine in zip(vectors, own.tolist(), strict=True):
        weight = [math.exp(float(vector @ p) / 0.1) for p in proxies]
        total -= math.log(weight[mine] / sum(w for w, c in zip(weight, camera, strict=True) if c == camera[mine]))
        others = [i for i in range(5) if group[i] == group[mine] and camera[i] != camera[mine]]
        strangers = sorted((w for w, g in zip(weight, group, strict=True) if g != group[mine]), reverse=True)[:2]
        if others:
            rest = sum(strangers) + sum(weight[i] for i in others)
            across -= sum(math.log(weight[i] / rest) for i in others) / len(others)
            counted += 1
    wanted = total / 3 + 0.5 * across / counted
    given = losses.camera_proxies(vectors, own, proxies, group, camera, temperature=0.1, hardest=2)
    assert float(given) == pytest.approx(wanted, abs=1e-4)


def test_camera_proxies_of_one_camera_have_nothing_to_reach_across():
    vectors, proxies = _case()[0][:2], torch.eye(5)[:2]
    value = losses.camera_proxies(vectors, torch.tensor([0, 1]), proxies, torch.tensor([0, 1]), torch.zeros(2).long())
    assert math.isfinite(float(value))
