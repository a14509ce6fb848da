"""What is believed of the answers of several reviewers."""

from __future__ import annotations

from perdure.gallery.verdicts import Answer, TakenBack, Verdicts


def said(number, by, what, pair=("a", "b")):
    return Answer(number, float(number), by, *pair, what)


def folded(*entries):
    verdicts = Verdicts()
    for entry in entries:
        verdicts.add(entry)
    return verdicts


def test_of_each_the_latest_counts_and_most_voices_win():
    verdicts = folded(said(1, "ann", "same"), said(2, "bob", "different"))
    pair = frozenset("ab")
    assert verdicts.believed(pair) is None
    assert len(verdicts.disputed()) == 1
    verdicts.add(said(3, "bob", "same"))
    assert verdicts.believed(pair) is True
    assert verdicts.disputed() == []


def test_an_answer_that_could_not_be_followed_leaves_no_trace():
    kept = said(1, "ann", "same")
    refused = said(2, "ann", "different", ("a", "c"))
    verdicts = folded(kept, refused)
    verdicts.drop(refused)
    assert verdicts == folded(kept)


def test_a_taking_back_that_could_not_be_followed_is_undone():
    first, second = said(1, "ann", "same"), said(2, "bob", "same")
    back = TakenBack(3, 3.0, "ann", 1)
    verdicts = folded(first, second)
    verdicts.add(back)
    assert verdicts.about(frozenset("ab")) == [second]
    verdicts.drop(back, first)
    assert verdicts == folded(first, second)
    alone = folded(first)
    alone.add(TakenBack(2, 2.0, "ann", 1))
    alone.drop(TakenBack(2, 2.0, "ann", 1), first)
    assert alone == folded(first)
