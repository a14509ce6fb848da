"""People who were rendered, for the teacher to describe: they walk, carry, hide each other and stand behind things.

Rendered crowds teach re-identification well (Wang et al. 2020, "Surpassing Real-World Source Training Data: Random 3D
Characters for Generalizable Person Re-Identification"); here nobody is labelled, the teacher describes what it sees.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from perdure.embed.crop import resize
from perdure.simulate import scene as surfaces
from perdure.simulate.lens import Lens
from perdure.simulate.looks import Look, random_look
from perdure.simulate.material import random_stance
from perdure.simulate.render import Actor, Renderer, Shot
from perdure.simulate.scene import Scene
from perdure.simulate.sensor import Sensor
from perdure.train.embedder.dark import contrasty
from perdure.train.embedder.data import Crops, cut_wide
from perdure.train.embedder.mix import by_another_camera, recorded

SHOTS = 16  # pictures of one place: the empty place is traced once
FRAME_HW = (240, 224)  # of such a picture, px
BODY_PX = 130.0  # height in it of somebody in the middle
LEAST_SEEN, LEAST_PX = 0.5, 70.0  # share of a body that can be seen, and its height, for a crop
LIGHT = 0.7  # what falls on the ground of a place that the sensor's own exposure suits
FLOORS = (surfaces.STONE, surfaces.CARPET, surfaces.TILES, surfaces.PLANKS)
WALLS = (surfaces.PAINT, surfaces.STONE, surfaces.GOODS, surfaces.POSTER, surfaces.WOOD)


def rendered_people(places: Crops, count: int, seed: tuple[int, ...]) -> Crops:
    """`count` crops of rendered people, without identity, each as some camera might take it.

    Args:
        places: crops whose columns stand beside some of them; they give the size and context.
        count: how many to make.
        seed: the place `i` is drawn from `(*seed, i)`; what was made of fewer places is the beginning of more.
    """
    pixels, names = np.empty((count, *places.pixels.shape[1:]), np.uint8), list[str]()
    place = 0
    while len(names) < count:
        for crop in people_of(np.random.default_rng((*seed, place)), places):
            if len(names) < count:
                pixels[len(names)] = crop
                names.append(f"rendered{place}:{len(names)}")
        place += 1
    nobody = np.full(count, -1, np.int64)
    return Crops(pixels, nobody, nobody.copy(), tuple(names), places.context)


def people_of(rng: np.random.Generator, places: Crops) -> Iterator[np.ndarray]:
    """The crops (H, W, 3) uint8 of one random place, in which one to four people at a time are."""
    camera = random_camera(rng)
    for _ in range(SHOTS):
        count = 1 + int(rng.integers(4))
        actors = [Actor.of(i, dressed_warmly(random_look(rng), rng)) for i in range(count)]
        for crop in crops_of(photographed(camera, actors, rng), places):
            yield as_recorded(crop, places, rng)


def photographed(camera: Renderer, actors: list[Actor], rng: np.random.Generator) -> Shot:
    """One picture of these people near the middle of a place, the first nearest."""
    spots = rng.normal(0, 0.4, 2) + np.vstack([np.zeros(2), rng.normal(0, 0.9, (len(actors) - 1, 2))])
    stances = [random_stance(x, y, rng) for x, y in spots.tolist()]
    return camera.shoot(actors, stances, int(rng.integers(1 << 30)))


def as_recorded(crop: np.ndarray, places: Crops, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 as a recorder keeps it, every second one as another camera might have shown it."""
    person = contrasty(crop, rng) if rng.random() < 0.4 else crop
    if rng.random() < 0.5:
        return by_another_camera(person, places.pixels[int(rng.integers(len(places)))], rng)
    return recorded(person, math.exp(rng.uniform(math.log(0.18), 0)), rng)


def crops_of(shot: Shot, places: Crops) -> Iterator[np.ndarray]:
    """Who can be seen well enough, in boxes with the size and context of `places`."""
    for (x0, y0, x1, y1), seen in zip(shot.boxes.tolist(), shot.visibility, strict=True):
        if seen >= LEAST_SEEN and y1 - y0 >= LEAST_PX and x1 - x0 >= LEAST_PX / 6:
            crop = cut_wide(shot.image, (x0, y0, x1 - x0, y1 - y0), places.context)
            yield resize(crop, *places.pixels.shape[1:3])


def dressed_warmly(look: Look, rng: np.random.Generator) -> Look:
    """Half of all people in a jacket or coat, and darker than the looks of the simulation are."""
    if rng.random() < 0.5:
        bottom = "trousers" if look.bottom == "shorts" else look.bottom
        look = replace(look, top="coat" if rng.random() < 0.3 else "jacket", sleeves=1.0, bottom=bottom)
    if rng.random() < 0.6:
        upper, lower = np.exp(rng.uniform(math.log(0.12), 0, 2))
        red, green, blue = look.top_colour
        look = replace(look, top_colour=(red * upper, green * upper, blue * upper))
        red, green, blue = look.bottom_colour
        look = replace(look, bottom_colour=(red * lower, green * lower, blue * lower))
    return look


def random_camera(rng: np.random.Generator) -> Renderer:
    """A camera that looks at the middle of a random place, from 3 to 20 m and from eye height to a roof."""
    away, above = math.exp(rng.uniform(math.log(3.0), math.log(20.0))), rng.uniform(1.2, 5.0)
    height, width = FRAME_HW
    yaw = rng.uniform(0, 360)
    eye = (-away * math.cos(math.radians(yaw)), -away * math.sin(math.radians(yaw)), above)
    focal_px = BODY_PX / 1.7 * math.hypot(away, above - 0.9)
    lens = Lens(
        position=eye,
        yaw_deg=yaw,
        pitch_deg=math.degrees(math.atan2(above - 0.9, away)),
        hfov_deg=2 * math.degrees(math.atan(width / 2 / focal_px)),
        width=width,
        height=height,
        roll_deg=rng.normal(0, 2),
    )
    scene, light = random_scene(eye, rng)
    return Renderer(scene, lens, random_sensor(light, rng), samples=1)


def random_sensor(light: float, rng: np.random.Generator) -> Sensor:
    """Exposed for the light, more or less; from pale to garish and from soft to sharpened."""
    base = Sensor()
    red, green, blue = np.exp(rng.normal(0, 0.08, 3)).tolist()
    return replace(
        base,
        gains=(red, green, blue),
        exposure=base.exposure * LIGHT / light * math.exp(rng.normal(0.1, 0.3)),
        contrast=rng.uniform(0, 0.9),
        saturation=rng.uniform(0.5, 1.6),
        photon_noise=base.photon_noise * rng.uniform(0.2, 2),
        blur_px=rng.uniform(0.2, 0.8),
        sharpen=rng.uniform(0, 1.5),
    )


def random_scene(eye: tuple[float, float, float], rng: np.random.Generator) -> tuple[Scene, float]:
    """Ground of two kinds, now and then a wall behind, and things in the way; and how much light falls on it."""
    boxes: list[list[float]] = []
    surface: list[list[float]] = []

    def add(corners: list[float], kinds: tuple[int, ...], *colours: np.ndarray) -> None:
        boxes.append(corners)
        first, second = (np.clip(c, 0.01, 0.9).tolist() for c in (colours[0], colours[-1]))
        surface.append([kinds[int(rng.integers(len(kinds)))], *first, *second, float(rng.integers(1 << 16))])

    add([-60, -60, -0.3, 60, 60, 0.0], FLOORS, _ground(rng), _ground(rng))
    edge = rng.normal(0, 1.5)
    half = [[-60, edge, 60, 60], [-60, -60, 60, edge], [edge, -60, 60, 60], [-60, -60, edge, 60]][int(rng.integers(4))]
    add([*half[:2], -0.2, *half[2:], 0.01], FLOORS, _ground(rng))
    forward = -np.array(eye[:2]) / math.hypot(*eye[:2])
    aside = np.array([-forward[1], forward[0]])
    if rng.random() < 0.5:
        middle = forward * rng.uniform(2.5, 12)
        across = int(abs(forward[1]) > abs(forward[0]))  # the wall runs along x where the camera looks along y
        low, high = middle - 30, middle + 30
        low[across], high[across] = middle[across] - 0.1, middle[across] + 0.1
        add([*low, 0.0, *high, rng.uniform(1, 5)], WALLS, *rng.uniform(0.03, 0.8, (2, 3)))
    for _ in range(int(rng.integers(4))):
        spot = -forward * rng.uniform(-3, min(2.5, 0.6 * math.hypot(*eye[:2]))) + aside * rng.normal(0, 0.7)
        low_m, high_m, wide, thin = _thing(rng)
        turned = np.array([wide, thin]) if rng.random() < 0.5 else np.array([thin, wide])
        colours = rng.uniform(0, 0.9, (2, 3))
        add([*(spot - turned), low_m, *(spot + turned), high_m], (*WALLS, surfaces.FABRIC), *colours)
    lamps, ambient, light = _light(rng)
    return Scene(np.array(boxes), np.array(surface), lamps, ambient), light


def _ground(rng: np.random.Generator) -> np.ndarray:
    """Stone, mostly light, or grass; linear RGB."""
    if rng.random() < 0.25:
        return np.array([0.12, 0.22, 0.05]) * math.exp(rng.normal(0, 0.4))
    return np.asarray(math.exp(rng.uniform(math.log(0.06), math.log(0.7))) * np.exp(rng.normal(0, 0.08, 3)))


def _thing(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Bottom and top, and half its sides: a pole, a sign, a bench or a bush. Metres."""
    kind = int(rng.integers(4))
    if kind == 0:
        return 0.0, rng.uniform(2, 4), rng.uniform(0.03, 0.1), rng.uniform(0.03, 0.1)
    if kind == 1:
        bottom = rng.uniform(0, 1.5)
        return bottom, bottom + rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.5), 0.03
    if kind == 2:
        return 0.0, rng.uniform(0.3, 0.9), rng.uniform(0.3, 1.2), rng.uniform(0.15, 0.4)
    return 0.0, rng.uniform(0.8, 1.6), rng.uniform(0.3, 2.0), rng.uniform(0.2, 0.6)


def _light(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    """The lamps or a sun, (L, 6), the sky, (2, 3), and about how much light falls on the ground."""
    sky = rng.uniform(0.15, 0.8)
    ambient = np.array([[0.95, 1.0, 1.07], [0.65, 0.6, 0.55]]) * sky
    power = rng.uniform(0, 0.9) * rng.dirichlet(np.ones(2))
    spots = rng.normal(0, 1, (2, 3)) * [6, 6, 2] + [0, 0, 9]
    reach = (spots**2).sum(1, keepdims=True) ** 1.5 / spots[:, 2:]
    return np.hstack([spots, reach * power[:, None] * [1.03, 1.0, 0.95]]), ambient, sky + float(power.sum())
