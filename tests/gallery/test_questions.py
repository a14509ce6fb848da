"""What is asked first, and with which odds."""

from __future__ import annotations

import numpy as np
import pytest

from perdure.gallery import questions
from perdure.gallery.answers import answer
from perdure.gallery.questions import Agenda
from perdure.types import Split
from tests.gallery.people import faces, gallery, tracklet


def told(looks, stays, noise=0.05):
    """A gallery that enrolled each of these as they are given: {identity: tracklets of one face}, all apart in time."""
    site, at = gallery(), 0.0
    for name, face in stays:
        at += 1000.0
        site.observe([tracklet(name, looks[face], at, at + 2, noise=noise)])
        site.tick(at + 5)
    return site


def test_within_is_the_mean_of_pairs_drawn_to_what_is_usual():
    llr = np.array([[9, 2, 2, 0], [2, 9, 2, 0], [2, 2, 9, 0], [0, 0, 0, 9]], float)
    found = questions._within(llr, np.array([0, 0, 0, 1]))
    assert found == pytest.approx([2.0, 2.0])  # one tracklet: as is usual here
    split = questions._within(
        np.array([[9, 6, 0, 0], [6, 9, 0, 0], [0, 0, 9, 0], [0, 0, 0, 9]], float), np.array([0, 0, 1, 1])
    )
    assert split == pytest.approx([(6 + 3 * 3) / 4, (0 + 3 * 3) / 4])
    alone = questions._within(np.zeros((2, 2)), np.array([0, 1]))
    assert alone == pytest.approx([questions.USUAL_WITHIN] * 2)


def test_the_same_likeness_between_is_worth_less_where_people_are_like_themselves():
    likeness, _, _, _ = questions.JOIN
    tight, loose = (float(np.dot(questions.JOIN, [1.0, within, 0.0, 1.0])) for within in (5.0, 1.0))
    assert likeness > 0
    assert loose - tight > 2.0


def test_two_halves_of_one_person_are_asked_about_before_two_people():
    looks = faces(3)
    stays = [(f"{camera}/{i}", face) for face in (0, 1) for i, camera in enumerate("abcd", 10 * face)]
    site = told(looks, stays)
    home = site.partition.identity_of
    first = [id for id, face in stays if face == 0]
    site.append(Split(1e5, home[first[0]], site.mint(), tuple(first[:2]), "a mistake"))
    assert home[first[0]] != home[first[3]]
    agenda = Agenda(site)
    assert agenda.refresh() == 0
    asked = agenda.ranked()[0]
    assert asked.question.kind == "join"
    assert {asked.question.first, asked.question.second} <= set(first)
    assert asked.probability > 0.5
    answer(site, 2e5, asked.question.first, asked.question.second, same=True)
    agenda.refresh()
    assert all({a.question.first, a.question.second} - set(first) or a.question.kind == "part" for a in agenda.ranked())
