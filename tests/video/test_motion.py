from __future__ import annotations

import cv2
import numpy as np
import pytest

from perdure.types import Frame
from perdure.video.motion import watch

WIDTH, HEIGHT, STEP = 1920, 1080, 6
RATE_FPS = 10.0
random = np.random.default_rng(7)


class Grey:
    """A picture given as the samples that are asked for."""

    def __init__(self, samples):
        self.samples = np.clip(np.rint(samples), 0, 255).astype(np.uint8)

    def luma(self, step=1):
        assert step == STEP
        return self.samples

    def image(self):
        raise AssertionError("motion needs no colour")


def room():
    """A wall with a picture, a floor with a pattern, and furniture: (180, 320) float."""
    samples = np.full((180, 320), 150.0)
    samples[110:] = 90 + 20 * ((np.arange(70)[:, None] // 7 + np.arange(320) // 9) % 2)
    samples[30:60, 40:90] = 60
    samples[70:140, 230:260] = 40
    return samples + np.random.default_rng(1).normal(0, 3, samples.shape)


def with_person(samples, x, y=95, width=8, height=26, grey=15.0):
    painted = samples.copy()
    painted[y : y + height, round(x) : round(x) + width] = grey
    return painted


def noisy(samples, sigma=2.0):
    return samples + random.normal(0, sigma, samples.shape)


class Watched:
    """One camera, watched frame after frame."""

    def __init__(self):
        self.background, self.index = None, 0

    def see(self, samples, size=(WIDTH, HEIGHT), passed_s=1 / RATE_FPS):
        self.index += 1
        self.at = getattr(self, "at", 0.0) + passed_s
        frame = Frame("c", self.index, self.at, 0.0, *size, Grey(samples))
        self.background, moving = watch(self.background, frame)
        return moving

    def see_all(self, pictures):
        """Per picture the number of places where something moves; -1 where it cannot be said."""
        answers = [self.see(picture) for picture in pictures]
        return np.array([-1 if answer is None else len(answer) for answer in answers])


@pytest.fixture
def camera():
    """A camera that has watched the empty room for 5 s."""
    watched = Watched()
    watched.see_all(noisy(room()) for _ in range(50))
    return watched


def holds(moving, x, y=95, width=8, height=26):
    """Whether some box of motion covers most of the person."""
    person = np.array([x, y, x + width, y + height]) * STEP
    for box in moving:
        sides = np.minimum(person[2:], box[2:]) - np.maximum(person[:2], box[:2])
        if np.prod(np.maximum(sides, 0)) > 0.6 * np.prod(person[2:] - person[:2]):
            return True
    return False


def assert_walker_is_found(camera, background, from_frame=2):
    """A walker through the room is in the boxes from the second frame on."""
    for number in range(20):
        x = 20 + 6 * number
        moving = camera.see(with_person(background(), x))
        if number >= from_frame:
            assert moving is None or holds(moving, x), number


def test_an_empty_room_is_quiet_and_a_walker_is_found(camera):
    assert (camera.see_all(noisy(room()) for _ in range(50)) == 0).all()
    assert_walker_is_found(camera, lambda: noisy(room()))


def test_the_first_frame_another_size_and_a_long_gap_say_nothing(camera):
    fresh = Watched()
    assert fresh.see(room()) is None
    assert len(fresh.see(room())) == 0
    assert fresh.see(room(), size=(1914, 1080)) is None
    assert len(fresh.see(room(), size=(1914, 1080))) == 0
    assert fresh.see(room(), size=(1914, 1080), passed_s=60.0) is None


def test_a_light_switch_is_looked_at_and_soon_quiet(camera):
    """The lamp is on the right, so that no gain for the whole picture explains it."""
    shade = np.linspace(0.3, 0.7, 320)
    answers = camera.see_all(noisy(room() * shade) for _ in range(80))
    assert (answers[:3] != 0).all()
    assert (answers[50:] == 0).all()
    assert_walker_is_found(camera, lambda: noisy(room() * shade))


def test_a_camera_that_was_turned_is_looked_at_once(camera):
    answers = camera.see_all(noisy(room()[:, ::-1] + 60 * np.sin(np.arange(320) / 5)) for _ in range(30))
    assert answers[0] == -1
    assert (answers[10:] == 0).all()


def test_exposure_steps_are_no_motion_and_hide_nobody(camera):
    gains = np.repeat([1.0, 1.1, 1.25, 1.1, 0.9, 0.75, 0.85, 1.0], 8)
    assert (camera.see_all(noisy(room() * gain) for gain in gains) == 0).mean() > 0.95
    gain = iter(np.repeat([1.1, 1.2, 1.1, 1.0], 5))
    assert_walker_is_found(camera, lambda: noisy(room() * next(gain)))


def rain():
    wet = noisy(room(), 4.0)
    for x, y in zip(random.integers(0, 319, 90), random.integers(0, 170, 90), strict=True):
        wet[y : y + random.integers(3, 9), x] += 50
    return wet


def test_rain_and_noise_become_usual_and_hide_nobody():
    camera = Watched()
    camera.see_all(rain() for _ in range(400))
    assert (camera.see_all(rain() for _ in range(100)) != 0).mean() < 0.1
    assert_walker_is_found(camera, rain)


LEAVES = random.uniform(40, 200, (60, 70))


def swaying():
    picture = noisy(room())
    across, down = random.integers(-3, 4, 2)
    picture[40:100, 150:220] = np.roll(LEAVES, (across, down), (0, 1))
    return picture


def test_a_swaying_plant_becomes_usual_and_hides_nobody():
    camera = Watched()
    camera.see_all(swaying() for _ in range(600))
    answers = camera.see_all(swaying() for _ in range(100))
    assert (answers != 0).mean() < 0.1
    assert_walker_is_found(camera, swaying)


def test_compression_that_pumps_with_each_key_frame_is_no_motion(camera):
    def pumping(number):
        picture = noisy(room(), 1.0)
        drift = (number % 25) / 25
        blurred = cv2.blur(picture, (3, 3))
        return np.rint((picture + drift * (blurred - picture)) / 4) * 4

    answers = camera.see_all(pumping(number) for number in range(200))
    assert (answers[25:] == 0).mean() > 0.97
    number = iter(range(100))
    assert_walker_is_found(camera, lambda: pumping(next(number)))


def shaking():
    across, down = random.integers(-1, 2, 2)
    return noisy(np.roll(room(), (across, down), (0, 1)))


def test_a_shaking_camera_is_no_motion_and_hides_nobody():
    camera = Watched()
    camera.see_all(shaking() for _ in range(200))
    assert (camera.see_all(shaking() for _ in range(100)) != 0).mean() < 0.05
    assert_walker_is_found(camera, shaking)


def test_a_slow_far_walker_is_found(camera):
    """4 samples (24 px) wide, 0.3 samples (2 px) per frame."""
    found = []
    for number in range(120):
        moving = camera.see(with_person(noisy(room()), 100 + 0.3 * number, y=80, width=4, height=10))
        found.append(moving is not None and holds(moving, 100 + 0.3 * number, 80, 4, 10))
    assert np.mean(found[20:]) > 0.9


def test_who_stands_becomes_quiet_and_leaving_is_seen(camera):
    standing = with_person(room(), 150)
    answers = camera.see_all(noisy(standing) for _ in range(100))
    assert answers[:10].all()
    assert (answers[80:] == 0).all()
    assert len(camera.see(noisy(with_person(room(), 156)))) > 0


def test_nothing_given_is_changed_and_the_answer_depends_on_it_alone(camera):
    before = camera.background
    copies = [a.copy() for a in (before.mean, before.noise, before.usual, before.changed_at)]
    frame = Frame("c", 99, before.at + 0.1, 0.0, WIDTH, HEIGHT, Grey(with_person(room(), 100)))
    first, boxes = watch(before, frame)
    again, same = watch(before, frame)
    np.testing.assert_array_equal(boxes, same)
    np.testing.assert_array_equal(first.mean, again.mean)
    for array, copy in zip((before.mean, before.noise, before.usual, before.changed_at), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("size", [(2, 2), (9, 7), (3840, 2160), (16, 4000)])
def test_any_size_can_be_watched(size):
    from perdure.video.pixels import Loaded

    background = None
    for number in range(6):
        image = np.full((size[1], size[0], 3), 100, np.uint8)
        image[: size[1] // 2, : size[0] // 3] = 100 + 100 * (number % 2)
        background, moving = watch(background, Frame("c", number, number / 10, 0.0, *size, Loaded(image)))
    if moving is not None and len(moving):
        assert (moving[:, 2:] > moving[:, :2]).all()
        assert (moving >= 0).all()
        assert (moving[:, 2:] <= size).all()
