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


def skeleton(stance: Stance, height_m: float, seed: int) -> Float64s:
    """(T, BONES, 3, 4) float64: rest-pose metres to world metres for every bone; the lowest foot is on the floor."""
    rng = np.random.default_rng(seed)
    h, n = height_m, len(stance)
    swing, arm, toe_out = rng.uniform(0.85, 1.12), rng.uniform(0.7, 1.25), rng.uniform(0.05, 0.2)
    lean, splay, weight_side = rng.uniform(0.0, 0.06), rng.uniform(0.06, 0.13), rng.choice([-1.0, 1.0])
    gait, still = stance.gait, 1 - np.clip(stance.gait, 0, 1)
    sway = np.sin(stance.at * 0.7 + rng.uniform(0, 6)) * still
    turn = 2 * np.pi * stance.phase
    mats = np.zeros((n, BONES, 4, 4))

    side = gait * 0.035 * np.cos(turn) + still * weight_side * 0.03
    pelvis = _turn(2, 0.09 * gait * np.cos(turn)) @ _turn(1, side) @ _turn(0, -lean * np.ones(n) * 0.5)
    mats[:, PELVIS] = _about(np.array([0, 0, HIP_Z * h]), pelvis)
    chest = _turn(2, -0.17 * gait * np.cos(turn) + 0.05 * sway) @ _turn(1, -1.6 * side + 0.015 * sway)
    chest = chest @ _turn(0, -(lean + 0.03 * gait) - 0.04 * stance.hold)
    mats[:, CHEST] = mats[:, PELVIS] @ _about(np.array([0, 0, 0.61 * h]), chest)
    head = _turn(2, stance.look + 0.08 * gait * np.cos(turn)) @ _turn(0, -0.05 - 0.30 * stance.hold + 0.05 * sway)
    mats[:, HEAD] = mats[:, CHEST] @ _about(np.array([0, 0.005 * h, NECK_Z * h]), head)

    for side_index, sign in ((0, 1.0), (1, -1.0)):
        phase = stance.phase + 0.5 * side_index
        cosine = np.cos(2 * np.pi * phase)
        hip = swing * gait * np.radians(8 + 20 * cosine + 4 * _bump(phase, 0.85, 0.1)) + still * np.radians(1.5)
        knee = gait * np.radians(4 + 13 * _bump(phase, 0.13, 0.08) + 57 * _bump(phase, 0.73, 0.115))
        knee = knee + still * np.radians(np.where(sign == weight_side, 2.0, 11.0))
        ankle = gait * np.radians(7 * _bump(phase, 0.45, 0.12) - 10 * _bump(phase, 0.63, 0.08))
        hip = hip + still * np.radians(np.where(sign == weight_side, 0.0, 7.0))
        out = sign * (0.02 + 0.03 * still) * np.ones(n)
        joint = np.array([sign * HIP_X * h, 0, HIP_Z * h])
        thigh = _turn(1, -out + 0.5 * side) @ _turn(0, hip) @ _turn(2, -sign * toe_out * np.ones(n))
        mats[:, THIGH + side_index] = mats[:, PELVIS] @ _about(joint, thigh)
        knee_at = np.array([sign * HIP_X * h, 0.004 * h, KNEE_Z * h])
        mats[:, SHIN + side_index] = mats[:, THIGH + side_index] @ _about(knee_at, _turn(0, -knee))
        ankle_at = np.array([sign * HIP_X * h, -0.005 * h, ANKLE_Z * h])
        foot = _turn(0, ankle + still * (knee - hip) * 0.9)
        mats[:, FOOT + side_index] = mats[:, SHIN + side_index] @ _about(ankle_at, foot)

        raised = stance.reach if side_index == 0 else np.zeros(n)
        held = stance.hold if side_index == 1 else np.zeros(n)
        shoulder = -arm * gait * np.radians(21) * cosine + np.radians(2.0) + 0.02 * sway
        shoulder = shoulder * (1 - raised) * (1 - held) + raised * np.radians(62) + held * np.radians(22)
        elbow = np.radians(9 + 6 * still) + gait * np.radians(11 - 9 * cosine)
        elbow = elbow * (1 - held) * (1 - raised) + held * np.radians(100) + raised * np.radians(28)
        joint = np.array([sign * SHOULDER_X * h, 0, SHOULDER_Z * h])
        spread = -sign * (splay * np.ones(n) + 0.05 * raised)
        upper = _turn(1, spread) @ _turn(0, shoulder) @ _turn(2, sign * 0.35 * held)
        mats[:, UPPER_ARM + side_index] = mats[:, CHEST] @ _about(joint, upper)
        elbow_at = np.array([sign * SHOULDER_X * 1.06 * h, 0, ELBOW_Z * h])
        inward = _turn(1, sign * (0.06 + 0.35 * held)) @ _turn(0, elbow)
        mats[:, FOREARM + side_index] = mats[:, UPPER_ARM + side_index] @ _about(elbow_at, inward)
        wrist_at = np.array([sign * SHOULDER_X * 1.06 * h, 0, WRIST_Z * h])
        mats[:, HAND + side_index] = mats[:, FOREARM + side_index] @ _about(wrist_at, _turn(0, np.full(n, 0.12)))

    soles = np.array([[0, -0.035 * h, 0, 1], [0, 0.105 * h, 0, 1]])
    lowest = np.full(n, np.inf)
    for side_index, sign in ((0, 1.0), (1, -1.0)):
        points = soles + np.array([sign * HIP_X * h, 0, 0, 0])
        lowest = np.minimum(lowest, np.min(np.einsum("tj,pj->tp", mats[:, FOOT + side_index, 2], points), axis=1))
    world = np.zeros((n, 4, 4))
    c, s = np.cos(stance.heading), np.sin(stance.heading)
    world[:, 0, 0], world[:, 1, 0], world[:, 0, 1], world[:, 1, 1] = s, -c, c, s
    world[:, 2, 2] = world[:, 3, 3] = 1
    world[:, 0, 3], world[:, 1, 3], world[:, 2, 3] = stance.x, stance.y, -lowest
    return np.asarray((world[:, None] @ mats)[:, :, :3])
