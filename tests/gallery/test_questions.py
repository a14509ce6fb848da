"""What is asked first, and with which odds."""

from __future__ import annotations

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
