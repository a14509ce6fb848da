"""The map: cameras, learned ways, the floor plan."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

API = "/api/v1"


@pytest.fixture(scope="module")
def walked(service):
    """Forty people go from the door to the yard in 12 s."""
    now, rng = service.context.site.now(), np.random.default_rng(1)
    for n in range(40):
        service.faces[7] = rng.normal(size=service.faces.shape[1])
        service.faces[7] /= np.linalg.norm(service.faces[7])
        start = now - 900 + 20 * n
        service.tell(service.tracklet(1000 + n, "door", 7, start), service.tracklet(2000 + n, "yard", 7, start + 17))
    service.context.site.ask(lambda gallery, _: gallery.learn_topology())
    return service


def png(height, width):
    return cv2.imencode(".png", np.full((height, width, 3), 200, np.uint8))[1].tobytes()


def test_ways_are_learned_from_people(walked):
    found = walked.log_in("vera").get(f"{API}/map").json()
    assert {camera["name"] for camera in found["cameras"]} == {"door", "yard"}
    way = next(link for link in found["links"] if link["source"] == "door")
    assert way["target"] == "yard"
    assert way["hand_offs"] > 20
    assert 8 < way["low_s"] <= way["median_s"] <= way["high_s"] < 18
    assert all(0 <= camera["x"] <= 1 and not camera["by_hand"] for camera in found["cameras"])


def test_to_look_changes_nothing(walked):
    before = walked.context.site.site.gallery.topology.transitions
    walked.log_in("vera").get(f"{API}/map")
    assert walked.context.site.site.gallery.topology.transitions is before


def test_who_sees_one_camera_sees_no_other_on_the_map(walked):
    found = walked.log_in("door").get(f"{API}/map").json()
    assert [camera["name"] for camera in found["cameras"]] == ["door"]
    assert found["links"] == []


def test_an_admin_places_cameras(walked):
    client = walked.log_in()
    assert client.put(f"{API}/map/cameras/door", json={"x": 0.25, "y": 0.75}).status_code == 204
    door = next(c for c in client.get(f"{API}/map").json()["cameras"] if c["name"] == "door")
    assert (door["x"], door["y"], door["by_hand"]) == (0.25, 0.75, True)
    assert walked.log_in("olga").put(f"{API}/map/cameras/door", json={"x": 0.5, "y": 0.5}).status_code == 403
    assert client.put(f"{API}/map/cameras/none", json={"x": 0.5, "y": 0.5}).status_code == 404
    assert client.put(f"{API}/map/cameras/door", json={"x": 1.5, "y": 0.5}).status_code == 422
    assert client.delete(f"{API}/map/cameras/door").status_code == 204
    assert client.delete(f"{API}/map/cameras/door").status_code == 404


def test_a_floor_plan_is_kept_small_and_taken_away(walked):
    client = walked.log_in()
    assert client.get(f"{API}/map/plan.jpg").status_code == 404
    assert client.put(f"{API}/map/plan", files={"picture": ("p.png", png(1000, 4000))}).status_code == 204
    assert client.get(f"{API}/map").json()["plan"] == [2400, 600]
    assert client.get(f"{API}/map/plan.jpg").headers["content-type"] == "image/jpeg"
    for wrong in (b"no picture", png(20, 20)):
        assert client.put(f"{API}/map/plan", files={"picture": ("p.png", wrong)}).status_code == 422
    assert client.delete(f"{API}/map/plan").status_code == 204
    assert client.delete(f"{API}/map/plan").status_code == 404


def test_a_spoilt_file_of_places_is_said(walked):
    path = walked.context.site.folder / "plan.json"
    path.write_text("{not json")
    answer = walked.log_in("vera").get(f"{API}/map")
    path.unlink()
    assert answer.status_code == 507
    assert "remove it" in answer.json()["detail"]
