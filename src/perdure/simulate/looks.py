"""What a person looks like: body, skin, hair, clothes, patterns and things carried. Drawn by a seeded generator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Colour = tuple[float, float, float]
"""RGB, reflectance in linear light, each in [0, 1]."""

Hair = Literal["bald", "short", "bob", "long", "ponytail", "cap", "beanie"]
Top = Literal["t-shirt", "shirt", "sweater", "jacket", "coat", "hoodie"]
Bottom = Literal["trousers", "shorts", "skirt"]
Bag = Literal["none", "backpack", "shoulder", "tote"]
PATTERNS = ("plain", "stripes", "pinstripes", "plaid", "dots", "block", "print", "open")


def srgb(code: int) -> Colour:
    """A colour written as 0xRRGGBB (sRGB) in linear light."""
    channels = np.array([(code >> 16) & 255, (code >> 8) & 255, code & 255]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear[0]), float(linear[1]), float(linear[2])


SKINS = tuple(srgb(c) for c in (0xF0C8AE, 0xE3B193, 0xD29E7C, 0xB98061, 0x94613F, 0x6F4630, 0x4C3024))
HAIRS = tuple(srgb(c) for c in (0x17120F, 0x2B1D14, 0x44301F, 0x6B4A2B, 0x9C7848, 0x8C8780, 0x6A2E17))
CLOTHS = tuple(
    srgb(c)
    for c in (
        *(0x16171B, 0x24262C, 0x3C4048, 0x6E7379, 0xA4A6A6, 0xE6E4DE, 0x182543, 0x2A4372, 0x4E7DB8, 0x8FB3D6),
        *(0x7A1A20, 0xC03A33, 0xD98A9A, 0x173D2A, 0x4C7A46, 0x8C9A62, 0xE0B83C, 0xD8762B, 0x5A3B26, 0xB79B74),
        *(0x5B3A72, 0x2C7F84, 0xC8C2A8, 0x8E3B5E),
    )
)
LEGS = tuple(
    srgb(c)
    for c in (
        *(0x15161A, 0x202430, 0x2B3A57, 0x3C5578, 0x6884A6, 0x4A4A48, 0x7D7B76, 0xA8977A, 0x5C4A36, 0x3F4A37),
        *(0xC9C3B4, 0x5A2530),
    )
)
SHOES = tuple(srgb(c) for c in (0x141414, 0x2A1D15, 0x59402B, 0xD9D9D6, 0x6D7176, 0x8A2B25, 0x27344F))
BAGS = tuple(srgb(c) for c in (0x15161A, 0x23304A, 0x6A1F22, 0x7C5A3A, 0x3F5138, 0xC79A3A, 0x8B8F93))


@dataclass(frozen=True)
class Look:
    """One person's body and clothes on one day."""

    height_m: float
    build: float
    """Girth relative to the average, 0.85 (slim) to 1.25 (heavy)."""
    feminine: float
    """0: broad shoulders, narrow hips; 1: the reverse."""
    skin: Colour
    hair: Hair
    hair_colour: Colour
    hat_colour: Colour
    beard: float
    top: Top
    top_colour: Colour
    top_second: Colour
    top_pattern: int
    """Index into ``PATTERNS``."""
    top_scale_m: float
    sleeves: float
    """How far down the arm: 0.35 (short) to 1 (to the wrist)."""
    bottom: Bottom
    bottom_colour: Colour
    bottom_second: Colour
    bottom_pattern: int
    shoes: Colour
    bag: Bag
    bag_colour: Colour
    seed: int

    def twin(self, rng: np.random.Generator) -> Look:
        """A look-alike: the same clothes to the shade, another body, face and hair."""
        other = random_look(rng)
        return replace(
            self, height_m=other.height_m, build=other.build, seed=other.seed, hair=other.hair, bag=other.bag
        )

    def changed(self, rng: np.random.Generator) -> Look:
        """The same body in other clothes: another day."""
        other = random_look(rng)
        same = {k: getattr(self, k) for k in ("height_m", "build", "feminine", "skin", "hair_colour", "beard", "seed")}
        return replace(other, **same, hair=self.hair if self.hair not in ("cap", "beanie") else other.hair)


def _pick(
    rng: np.random.Generator, palette: tuple[Colour, ...], vary: float = 0.12, plain: int = 0, grey: float = 0.0
) -> Colour:
    """A colour of a palette, varied; the first ``plain`` ones are five times as likely, ``grey`` mutes the others."""
    weights = np.where(np.arange(len(palette)) < plain, 5.0, 1.0)
    colour = np.array(palette[int(rng.choice(len(palette), p=weights / weights.sum()))])
    colour = colour * (1 - grey) + colour.mean() * grey
    colour = np.clip(colour * np.exp(rng.normal(0, vary, 3) * 0.5 + rng.normal(0, vary)), 0.008, 0.9)
    return float(colour[0]), float(colour[1]), float(colour[2])


def random_look(rng: np.random.Generator) -> Look:
    """A person at random; the same state of ``rng`` gives the same person."""
    feminine = float(np.clip(rng.normal(0.85 if rng.random() < 0.5 else 0.12, 0.12), 0, 1))
    woman = feminine > 0.5
    top: Top = ("t-shirt", "shirt", "sweater", "jacket", "coat", "hoodie")[
        int(rng.choice(6, p=[0.2, 0.18, 0.18, 0.2, 0.1, 0.14]))
    ]
    weights = [0.64, 0.07, 0.05, 0.06, 0.02, 0.05, 0.11, 0.0]
    if top in ("jacket", "coat"):
        weights = [0.6, 0.0, 0.0, 0.03, 0.0, 0.07, 0.0, 0.3]
    bottom: Bottom = "trousers"
    draw = rng.random()
    if woman and draw < 0.25:
        bottom = "skirt"
    elif draw > 0.9 and top == "t-shirt":
        bottom = "shorts"
    short_hair: tuple[Hair, ...] = ("short", "short", "short", "bald", "cap", "beanie")
    long_hair: tuple[Hair, ...] = ("long", "bob", "ponytail", "long", "bob", "beanie")
    hair = (long_hair if woman else short_hair)[int(rng.integers(6))]
    bags: tuple[Bag, ...] = ("none", "backpack", "shoulder", "tote")
    short_sleeves = top == "t-shirt" or (top == "shirt" and rng.random() < 0.3)
    return Look(
        height_m=float(np.clip(rng.normal(1.65 if woman else 1.77, 0.065), 1.48, 1.98)),
        build=float(np.clip(rng.normal(1.0, 0.1), 0.85, 1.25)),
        feminine=feminine,
        skin=_pick(rng, SKINS, 0.05),
        hair=hair,
        hair_colour=_pick(rng, HAIRS, 0.08),
        hat_colour=_pick(rng, CLOTHS, plain=8, grey=0.3),
        beard=float(rng.random() * 0.9) if not woman and rng.random() < 0.35 else 0.0,
        top=top,
        top_colour=_pick(rng, CLOTHS, plain=8, grey=0.35),
        top_second=_pick(rng, CLOTHS, plain=8, grey=0.35),
        top_pattern=int(rng.choice(8, p=weights)),
        top_scale_m=float(rng.uniform(0.03, 0.09)),
        sleeves=float(rng.uniform(0.32, 0.5)) if short_sleeves else float(rng.uniform(0.93, 1.0)),
        bottom=bottom,
        bottom_colour=_pick(rng, LEGS, plain=6),
        bottom_second=_pick(rng, LEGS),
        bottom_pattern=int(rng.choice(8, p=[0.84, 0.02, 0.05, 0.05, 0.02, 0.0, 0.02, 0.0])),
        shoes=_pick(rng, SHOES, plain=3),
        bag=bags[int(rng.choice(4, p=[0.6, 0.18, 0.14, 0.08]))],
        bag_colour=_pick(rng, BAGS),
        seed=int(rng.integers(1 << 20)),
    )
