"""What a replay was worth: every person's identity continuity, second by second."""

from __future__ import annotations

import numpy as np
from numba import njit

from perdure.train.association.table import Clip
from perdure.types import Float64s, Ints


@njit(cache=True)  # type: ignore[untyped-decorator]
def rewards(clip: Clip, numbers: Ints, tracks: int, people: int, switch: float, theft: float, gap: float) -> Float64s:
    """(F, W) reward of each person in each frame, in seconds.

    A box shown is worth the time of its frame where the person's main number and the number's main person (of most
    boxes so far) are each other's: the identity is the one they are known by. From this goes ``switch`` when a person
    changes number, ``theft`` for the thief and for the one robbed when a number changes person, and ``gap`` when a
    person is shown again after boxes of theirs were shown under no number.
    """
    paid = np.zeros((len(clip.at), people))
    count = np.zeros((tracks + 1, people), np.int64)
    main_number, last_number = np.zeros(people, np.int64), np.zeros(people, np.int64)
    main_person, last_person = np.full(tracks + 1, -1, np.int64), np.full(tracks + 1, -1, np.int64)
    hidden = np.zeros(people, np.bool_)
    step = (clip.at[-1] - clip.at[0]) / max(len(clip.at) - 1, 1)
    for f in range(len(clip.at)):
        for b in range(clip.first[f], clip.first[f + 1]):
            person, number = clip.owner[b], numbers[b]
            if person < 0:
                continue
            if number == 0:
                hidden[person] = last_number[person] > 0
                continue
            count[number, person] += 1
            if count[number, person] >= count[main_number[person], person]:
                main_number[person] = number
            if main_person[number] < 0 or count[number, person] >= count[number, main_person[number]]:
                main_person[number] = person
            if main_number[person] == number and main_person[number] == person:
                paid[f, person] += step
            if last_number[person] > 0 and last_number[person] != number:
                paid[f, person] -= switch
            elif hidden[person]:
                paid[f, person] -= gap
            if last_person[number] >= 0 and last_person[number] != person:
                paid[f, person] -= theft
                paid[f, last_person[number]] -= theft
            last_number[person], last_person[number], hidden[person] = number, person, False
    return paid


def returns(paid: Float64s, at: Float64s, horizon_s: float) -> Float64s:
    """(F, W) all that is paid from each frame on, fading by a factor e in ``horizon_s``."""
    total = np.zeros_like(paid)
    if not len(paid):
        return total
    total[-1] = paid[-1]
    fade = np.exp(-np.diff(at) / horizon_s)
    for f in range(len(paid) - 2, -1, -1):
        total[f] = paid[f] + fade[f] * total[f + 1]
    return total
