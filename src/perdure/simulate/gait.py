"""A walking, standing and reaching skeleton: joint rotations over time, as matrices for skinning.

Proportions follow Drillis & Contini, "Body segment parameters" (1966), as tabled by Winter, "Biomechanics and motor
control of human movement"; the hip, knee and ankle curves imitate the normative gait curves of the same book.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from perdure.types import Float64s

PELVIS, CHEST, HEAD, UPPER_ARM, FOREARM, HAND, THIGH, SHIN, FOOT = 0, 1, 2, 3, 5, 7, 9, 11, 13
"""Bones; of a pair the right one is named and the left one follows it."""
BONES = 15
STRIDE = 0.74
"""Length of a stride (two steps) of a brisk walk, as a share of body height."""
HIP_Z, KNEE_Z, ANKLE_Z, SHOULDER_Z, ELBOW_Z, WRIST_Z, NECK_Z = 0.530, 0.285, 0.039, 0.803, 0.630, 0.485, 0.862
HIP_X, SHOULDER_X = 0.052, 0.102


@dataclass(frozen=True)
class Stance:
    """Where one person is and what the body does, over T moments; every field is (T,) float64."""

    x: Float64s
    y: Float64s
    heading: Float64s
    """Radians from +x towards +y."""
    phase: Float64s
    """Strides walked; a whole number is the right heel's strike."""
    gait: Float64s
    """0: standing, 1: brisk walk; scales every swing."""
    reach: Float64s
    """0 to 1: the right arm is raised to a shelf."""
    hold: Float64s
    """0 to 1: the left forearm holds something before the chest."""
    look: Float64s
    """Head turned to the left, radians."""
    at: Float64s
    """Seconds: standing people sway with it."""

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice) -> Stance:
        return Stance(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def _turn(axis: int, angle: Float64s) -> Float64s:
    """(T, 3, 3) rotations about a coordinate axis."""
    c, s = np.cos(angle), np.sin(angle)
    out = np.zeros((len(angle), 3, 3))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    out[:, axis, axis] = 1
    out[:, a, a], out[:, b, b], out[:, a, b], out[:, b, a] = c, c, -s, s
    return out


def _about(joint: Float64s, rotation: Float64s) -> Float64s:
    """(T, 4, 4): rotation about a fixed point of the rest pose."""
    out = np.zeros((len(rotation), 4, 4))
    out[:, :3, :3] = rotation
    out[:, :3, 3] = joint - rotation @ joint
    out[:, 3, 3] = 1
    return out


def _bump(phase: Float64s, centre: float, width: float) -> Float64s:
    offset = (phase - centre + 0.5) % 1.0 - 0.5
    return np.exp(-((offset / width) ** 2))


@dataclass(frozen=True)
class _Manner:
    """How one person moves, always."""

    swing: float
    arm: float
    toe_out: float
    lean: float
    splay: float
    """Of the arms."""
    weight_side: float
    """The leg that bears the weight when standing: 1 right, -1 left."""
    sway_phase: float

    @classmethod
    def of(cls, seed: int) -> _Manner:
        rng = np.random.default_rng(seed)
        swing, arm, toe_out = rng.uniform(0.85, 1.12), rng.uniform(0.7, 1.25), rng.uniform(0.05, 0.2)
        lean, splay, side = rng.uniform(0.0, 0.06), rng.uniform(0.06, 0.13), rng.choice([-1.0, 1.0])
        return cls(swing, arm, toe_out, lean, splay, float(side), rng.uniform(0, 6))


def skeleton(stance: Stance, height_m: float, seed: int) -> Float64s:
    """(T, BONES, 3, 4) float64: rest-pose metres to world metres for every bone; the lowest foot is on the floor."""
    manner, h, n = _Manner.of(seed), height_m, len(stance)
    still = 1 - np.clip(stance.gait, 0, 1)
    sway = np.sin(stance.at * 0.7 + manner.sway_phase) * still
    side = stance.gait * 0.035 * np.cos(2 * np.pi * stance.phase) + still * manner.weight_side * 0.03
    mats = np.zeros((n, BONES, 4, 4))
    _trunk(mats, stance, manner, side, sway, h)
    for index in (0, 1):
        _leg(mats, stance, manner, side, index, h)
        _arm(mats, stance, manner, sway, index, h)
    world = np.zeros((n, 4, 4))
    c, s = np.cos(stance.heading), np.sin(stance.heading)
    world[:, 0, 0], world[:, 1, 0], world[:, 0, 1], world[:, 1, 1] = s, -c, c, s
    world[:, 2, 2] = world[:, 3, 3] = 1
    world[:, 0, 3], world[:, 1, 3], world[:, 2, 3] = stance.x, stance.y, -_lowest(mats, h)
    return np.asarray((world[:, None] @ mats)[:, :, :3])


def _trunk(mats: Float64s, stance: Stance, manner: _Manner, side: Float64s, sway: Float64s, h: float) -> None:
    """Pelvis, chest and head into ``mats``; the trunk turns against the legs."""
    gait, lean = stance.gait, manner.lean
    cosine = np.cos(2 * np.pi * stance.phase)
    pelvis = _turn(2, 0.09 * gait * cosine) @ _turn(1, side) @ _turn(0, np.full(len(stance), -0.5 * lean))
    mats[:, PELVIS] = _about(np.array([0, 0, HIP_Z * h]), pelvis)
    chest = _turn(2, -0.17 * gait * cosine + 0.05 * sway) @ _turn(1, -1.6 * side + 0.015 * sway)
    chest = chest @ _turn(0, -(lean + 0.03 * gait) - 0.04 * stance.hold)
    mats[:, CHEST] = mats[:, PELVIS] @ _about(np.array([0, 0, 0.61 * h]), chest)
    head = _turn(2, stance.look + 0.08 * gait * cosine) @ _turn(0, -0.05 - 0.30 * stance.hold + 0.05 * sway)
    mats[:, HEAD] = mats[:, CHEST] @ _about(np.array([0, 0.005 * h, NECK_Z * h]), head)


def _leg(mats: Float64s, stance: Stance, manner: _Manner, side: Float64s, index: int, h: float) -> None:
    """Thigh, shin and foot of the right (0) or left (1) leg into ``mats``."""
    sign, n = 1.0 - 2 * index, len(stance)
    gait, still = stance.gait, 1 - np.clip(stance.gait, 0, 1)
    phase = stance.phase + 0.5 * index
    bears = sign == manner.weight_side
    cosine = np.cos(2 * np.pi * phase)
    hip = manner.swing * gait * np.radians(8 + 20 * cosine + 4 * _bump(phase, 0.85, 0.1)) + still * np.radians(1.5)
    knee = gait * np.radians(4 + 13 * _bump(phase, 0.13, 0.08) + 57 * _bump(phase, 0.73, 0.115))
    knee = knee + still * np.radians(2.0 if bears else 11.0)
    ankle = gait * np.radians(7 * _bump(phase, 0.45, 0.12) - 10 * _bump(phase, 0.63, 0.08))
    hip = hip + still * np.radians(0.0 if bears else 7.0)
    out = sign * (0.02 + 0.03 * still)
    joint = np.array([sign * HIP_X * h, 0, HIP_Z * h])
    thigh = _turn(1, -out + 0.5 * side) @ _turn(0, hip) @ _turn(2, np.full(n, -sign * manner.toe_out))
    mats[:, THIGH + index] = mats[:, PELVIS] @ _about(joint, thigh)
    knee_at = np.array([sign * HIP_X * h, 0.004 * h, KNEE_Z * h])
    mats[:, SHIN + index] = mats[:, THIGH + index] @ _about(knee_at, _turn(0, -knee))
    ankle_at = np.array([sign * HIP_X * h, -0.005 * h, ANKLE_Z * h])
    foot = _turn(0, ankle + still * (knee - hip) * 0.9)
    mats[:, FOOT + index] = mats[:, SHIN + index] @ _about(ankle_at, foot)


def _arm(mats: Float64s, stance: Stance, manner: _Manner, sway: Float64s, index: int, h: float) -> None:
    """Upper arm, forearm and hand into ``mats``; the right one (0) reaches, the left one (1) holds."""
    sign, n = 1.0 - 2 * index, len(stance)
    gait, still = stance.gait, 1 - np.clip(stance.gait, 0, 1)
    cosine = np.cos(2 * np.pi * (stance.phase + 0.5 * index))
    raised = stance.reach if index == 0 else np.zeros(n)
    held = stance.hold if index == 1 else np.zeros(n)
    shoulder = -manner.arm * gait * np.radians(21) * cosine + np.radians(2.0) + 0.02 * sway
    shoulder = shoulder * (1 - raised) * (1 - held) + raised * np.radians(62) + held * np.radians(22)
    elbow = np.radians(9 + 6 * still) + gait * np.radians(11 - 9 * cosine)
    elbow = elbow * (1 - held) * (1 - raised) + held * np.radians(100) + raised * np.radians(28)
    joint = np.array([sign * SHOULDER_X * h, 0, SHOULDER_Z * h])
    spread = -sign * (manner.splay + 0.05 * raised)
    upper = _turn(1, spread) @ _turn(0, shoulder) @ _turn(2, sign * 0.35 * held)
    mats[:, UPPER_ARM + index] = mats[:, CHEST] @ _about(joint, upper)
    elbow_at = np.array([sign * SHOULDER_X * 1.06 * h, 0, ELBOW_Z * h])
    inward = _turn(1, sign * (0.06 + 0.35 * held)) @ _turn(0, elbow)
    mats[:, FOREARM + index] = mats[:, UPPER_ARM + index] @ _about(elbow_at, inward)
    wrist_at = np.array([sign * SHOULDER_X * 1.06 * h, 0, WRIST_Z * h])
    mats[:, HAND + index] = mats[:, FOREARM + index] @ _about(wrist_at, _turn(0, np.full(n, 0.12)))


def _lowest(mats: Float64s, h: float) -> Float64s:
    """(T,) height of the lowest sole, where the pelvis is at its rest height."""
    soles = np.array([[0, -0.035 * h, 0, 1], [0, 0.105 * h, 0, 1]])
    lowest = np.full(len(mats), np.inf)
    for index, sign in ((0, 1.0), (1, -1.0)):
        points = soles + np.array([sign * HIP_X * h, 0, 0, 0])
        lowest = np.minimum(lowest, np.min(np.einsum("tj,pj->tp", mats[:, FOOT + index, 2], points), axis=1))
    return lowest
