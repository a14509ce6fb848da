"""Review through the API of a live site, and the little service of ``perdure review``."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from starlette.testclient import TestClient

from perdure.api.review_alone import Door, create_app, open_hosts
from perdure.gallery.ledger import fold
from perdure.gallery.verdicts import Answer
from perdure.nodes.answer_log import FILE, AnswerLog, Applied, read
from perdure.nodes.review import Desk, Given
from tests.gallery.people import gallery
from tests.nodes.recording import write_run
from tests.nodes.test_review import told

V1 = "/api/v1"


@pytest.fixture(scope="module")
def people(service):
    """Two strangers, each seen twice by two cameras, long after everybody else."""
    now = service.context.site.now()
    service.tell(
        service.tracklet(51, "door", 5, now + 500),
        service.tracklet(52, "yard", 5, now + 900),
        service.tracklet(53, "door", 6, now + 1300),
        service.tracklet(54, "yard", 6, now + 1700),
    )
    return service


def home(service, tracklet):
    return service.context.site.ask(lambda gallery, _: gallery.partition.identity_of[tracklet])


def answer(client, first, second, said, **more):
    return client.post(
        f"{V1}/review/site/answers", json={"answers": [{"first": first, "second": second, "said": said, **more}]}
    )


def test_operators_review_and_viewers_do_not(people):
    for path in ("review", "review/site/rows", "review/site/disputes", "review/site/answers"):
        assert people.log_in("vera").get(f"{V1}/{path}").status_code == 403
        assert people.log_in("olga").get(f"{V1}/{path}").status_code == 200
    assert people.log_in("olga").get(f"{V1}/review/nowhere/rows").status_code == 404


def test_what_can_be_asked_comes_with_strips_whose_pictures_can_be_fetched(people):
    client = people.log_in("olga")
    (found,) = client.get(f"{V1}/review").json()
    assert found["name"] == "site"
    assert found["progress"]["tracklets"] >= 8
    rows = client.get(f"{V1}/review/site/rows", params={"count": 9}).json()
    assert rows
    for row in rows:
        for side in (row["subject"], *row["candidates"]):
            assert side["stands"] in side["tracklets"]
            starts = [stay["start"] for stay in side["stays"]]
            assert starts == sorted(starts)
    picture = rows[0]["subject"]["stays"][0]["pictures"][0]
    assert client.get(f"{V1}/{picture}").headers["content-type"] == "image/jpeg"
    assert client.get(f"{V1}/review/site/pictures/crops/../accounts.db").status_code == 404


def test_answers_move_the_gallery_are_audited_and_can_be_taken_back(people):
    client = people.log_in("olga")
    before = home(people, "door/51"), home(people, "yard/52")
    assert before[0] == before[1]
    done = answer(client, "yard/52", "door/51", "different", kind="part", odds=3.0, leaving=["yard/52"]).json()
    assert done["refused"] == []
    assert home(people, "door/51") != home(people, "yard/52")
    assert people.context.reader.identity_of("yard/52") == home(people, "yard/52")  # kept
    audit = people.log_in("root").get(f"{V1}/audit").json()
    assert any(entry["action"] == "reviewed" and "yard/52" in entry["subject"] for entry in audit)
    assert client.get(f"{V1}/review/site/answers").json()[0]["by"] == "olga"
    client.post(f"{V1}/review/site/undo", json={})
    assert home(people, "door/51") == home(people, "yard/52")


def test_a_contradiction_is_answered_with_the_answers_behind_it(people):
    client = people.log_in("olga")
    (first,) = answer(client, "door/53", "yard/54", "same").json()["taken"]
    done = answer(client, "yard/54", "door/53", "different")  # one's own mind may be changed
    assert done.json()["refused"] == []
    for number in (done.json()["taken"][0]["number"], first["number"]):
        assert client.post(f"{V1}/review/site/undo", json={"number": number}).status_code == 200
    taken = [
        answer(client, *pair).json()["taken"]
        for pair in (("door/53", "yard/54", "same"), ("yard/54", "door/51", "different"))
    ]
    (refused,) = answer(client, "door/51", "door/53", "same").json()["refused"]
    assert {a["number"] for a in refused["against"]} == {t[0]["number"] for t in taken}
    for entry in taken:
        client.post(f"{V1}/review/site/undo", json={"number": entry[0]["number"]})


def test_two_differ_and_an_admin_decides(people):
    olga, root = people.log_in("olga"), people.log_in("root")
    people.context.accounts.add_user(0.0, "otto", "operator", "correct horse battery")
    otto = people.log_in("otto")
    answer(olga, "door/51", "door/53", "same")
    assert home(people, "door/51") == home(people, "door/53")
    (told,) = answer(otto, "door/51", "door/53", "different").json()["taken"]
    assert home(people, "door/51") != home(people, "door/53")
    (dispute,) = olga.get(f"{V1}/review/site/disputes").json()
    assert [a["by"] for a in dispute["answers"]] == ["olga", "otto"]
    assert olga.post(f"{V1}/review/site/undo", json={"number": told["number"]}).status_code == 403
    decided = answer(root, "door/51", "door/53", "different").json()["taken"][0]
    assert decided["decides"]
    assert olga.get(f"{V1}/review/site/disputes").json() == []


def test_a_tracklet_is_cut_and_joined_again_and_both_last(people):
    client = people.log_in("olga")
    since = people.context.site.ask(lambda gallery, _: float(gallery.evidence["door/53"].exemplars[0].at[1]))
    assert client.post(f"{V1}/review/site/cuts", json={"tracklet": "door/53", "since": since}).status_code == 200
    kept = people.context.reader.tracklets_of(home(people, "door/53.2"))
    assert [t.id for t in kept] == ["door/53.2"]
    wrong = client.post(f"{V1}/review/site/cuts", json={"tracklet": "door/51", "since": 0.0})
    assert (wrong.status_code, "both sides" in wrong.json()["detail"]) == (409, True)
    client.post(f"{V1}/review/site/undo", json={})
    assert home(people, "door/53.2") == home(people, "door/53")
    reader = people.context.reader
    assert {t.began for t in reader.tracklets_of(home(people, "door/53")) if t.id == "door/53.2"} == {"cut"}


def test_who_sees_one_camera_is_asked_about_that_one_only(people):
    people.context.accounts.add_user(0.0, "dora", "operator", "correct horse battery", ["door"])
    client = people.log_in("dora")
    for row in client.get(f"{V1}/review/site/rows", params={"count": 9}).json():
        for side in (row["subject"], *row["candidates"]):
            assert {stay["camera"] for stay in side["stays"]} <= {"door"}
    assert answer(client, "yard/52", "door/51", "same").status_code == 404


def test_the_answers_of_a_site_are_on_its_disk_and_a_second_desk_takes_them_up(people):
    folder = people.context.site.folder
    lines = read(folder)
    assert any(isinstance(line, Applied) and line.changes == () for line in lines)
    verdicts = people.context.reviewing.hosts["site"].desk.verdicts
    assert {line.number for line in lines if isinstance(line, Answer)} >= set(verdicts.answers)


@pytest.fixture
def alone(tmp_path):
    """The page of perdure review for two runs."""
    folders = [write_run(tmp_path / "monday"), write_run(tmp_path / "tuesday", mixed=[(4, 0, 0.8)])]
    said = []
    with ExitStack() as stack:
        door = Door(said.append)
        app = create_app(open_hosts(folders, stack), "ann", door, decides=False)
        yield TestClient(app, base_url="http://127.0.0.1:1234", follow_redirects=False), door, said, tmp_path


def test_the_link_works_once_and_prints_the_next(alone):
    client, door, said, _ = alone
    key = door.key
    assert client.get(f"{V1}/me").status_code == 401
    assert client.get("/?key=wrong").status_code == 403
    entered = client.get(f"/?key={key}")
    assert (entered.status_code, entered.headers["location"]) == (303, "/#/review")
    assert "httponly" in entered.headers["set-cookie"].lower()
    me = client.get(f"{V1}/me").json()
    assert (me["name"], me["only"]) == ("ann", "Review")
    stranger = TestClient(client.app, base_url="http://127.0.0.1:1234", follow_redirects=False)
    assert stranger.get(f"/?key={key}").status_code == 403
    assert stranger.get(f"/?key={said[0]}").status_code == 303
    evil = TestClient(client.app, base_url="http://evil.example:1234")
    assert evil.get("/").status_code == 421


def test_runs_are_reviewed_without_a_service_and_keep_their_answers(alone):
    client, door, _, folder = alone
    client.get(f"/?key={door.key}")
    assert client.post(f"{V1}/review/monday/undo", json={}).status_code == 403  # no CSRF header
    client.headers["X-CSRF-Token"] = client.get(f"{V1}/me").json()["csrf"]
    assert [found["name"] for found in client.get(f"{V1}/review").json()] == ["monday", "tuesday"]
    rows = client.get(f"{V1}/review/tuesday/rows").json()
    picture = rows[0]["subject"]["stays"][0]["pictures"][0]
    assert client.get(f"{V1}/{picture}").status_code == 200
    body = {"answers": [{"first": "door/5", "second": "door/1", "said": "same", "odds": 0.5}]}
    done = client.post(f"{V1}/review/tuesday/answers", json=body).json()
    assert done["taken"][0]["by"] == "ann"
    assert (folder / "tuesday" / FILE).read_text().count("\n") == 2  # what was said, and what it changed
    assert client.post(f"{V1}/review/tuesday/undo", json={}).json()["answered"] == 0
    assert client.post(f"{V1}/review/tuesday/undo", json={}).status_code == 404


def test_what_is_said_of_a_site_that_is_not_served_is_followed_when_it_is(tmp_path):
    with AnswerLog(tmp_path) as log:
        offline = Desk("site", told(), log, "later")
        offline.say(50.0, "ann", [Given("a/4", "a/0", "same")])
        after = offline.gallery.partition.identity_of
        assert not any(isinstance(line, Applied) for line in read(tmp_path))
    with AnswerLog(tmp_path) as log:
        served = Desk("site", told(), log, "own")
        assert served.gallery.partition.identity_of == after
        log_of_site = list(served.gallery.log)
    with AnswerLog(tmp_path) as log:
        restarted = gallery()
        restarted.restore(served.gallery.evidence.values(), log_of_site, fold(log_of_site))
        again = Desk("site", restarted, log, "own")
        assert len(again.gallery.log) == len(log_of_site)  # nothing is done twice
        again.take_back(60.0, "ann", 1)
        assert again.gallery.partition.identity_of["a/4"] != again.gallery.partition.identity_of["a/0"]
