from __future__ import annotations

from pathlib import Path

import pytest

from perdure.errors import ConfigError
from perdure.simulate.plan import Plan
from perdure.simulate.reading import BUILTIN, load, parse


def line_of(text: str, part: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize("name", BUILTIN)
def test_every_plan_that_comes_along_is_sound(name: str) -> None:
    plan = load(name)
    assert len(plan.cameras) >= 3
    assert load(name, minutes=2.5).minutes == 2.5


@pytest.mark.parametrize(
    ("old", "new", "part", "message"),
    [
        ("at: [0.3, 0.3, 2.4]", "at: [0.01, 0.3, 2.4]", "name: a,", "inside a wall of 'room'"),
        ("at: [0.3, 0.3, 2.4]", "at: [0.3, 0.3, 2.75]", "name: a,", "inside the ceiling"),
        ("at: [0.3, 0.3, 2.4]", "at: [2.7, 2.5, 0.5]", "name: a,", "inside a table"),
        ("[room, side], at: [5, 2]", "[room, attic], at: [5, 2]", "name: inner", "leads to nowhere: no room 'attic'"),
        ("[room, side], at: [5, 2]", "[room, side], at: [4, 2]", "name: inner", "not in a wall of 'room'"),
        ("[room, side], at: [5, 2]", "[room, room], at: [5, 2]", "name: inner", "to itself"),
        ("[room, side], at: [5, 2]", "[room, outside], at: [5, 2]", "name: inner", "'side' is behind it"),
        ("rect: [5, 0, 8, 4]", "rect: [4, 0, 8, 4]", "name: side", "rooms 'room' and 'side' overlap"),
        ("rect: [5, 0, 8, 4]", "rect: [8, 0, 5, 4]", "name: side", "x0 < x1"),
        ("name: side,", "name: room,", "[5, 0, 8, 4]", "two of the rooms are called 'room'"),
        ("- {name: inner, between: [room, side], at: [5, 2]}", "", "name: far", "no way from spot 'far' to a door"),
        ("[room, outside]", "[room, side]", "name: front", "not in a wall of 'side'"),
        ("at: [3.9, 1.2]", "at: [2.7, 2.6]", "name: middle", "inside a table"),
        ("at: [3.9, 1.2]", "at: [9.9, 1.2]", "name: middle", "in no room"),
        ("{spot: middle, stay_s: 1}", "{spot: moon, stay_s: 1}", "name: ann", "spot 'moon' that is not in the plan"),
        ("twin_of: ann", "twin_of: bob", "name: bob", "dressed like nobody"),
        ("arrives_s: 0,", "arrives_s: 0, door: inner,", "name: bob", "'inner' that does not lead outside"),
        ("arrives_s: 0,", "arrives_s: 0, day: 2,", "name: bob", "comes on day 2"),
        ("hfov_deg: 85, width: 128, height: 96, rate_fps: 4", "hfov_deg: 170", "name: a,", "hfov_deg"),
        ("pitch_deg: 22", "tilt_deg: 22", "name: a,", "tilt_deg"),
        ("kind: table", "kind: throne", "kind: throne", "kind"),
    ],
)
def test_what_cannot_be_is_named_with_its_line(tiny_text: str, old: str, new: str, part: str, message: str) -> None:
    assert old in tiny_text
    text = tiny_text.replace(old, new, 1)
    with pytest.raises(ConfigError) as caught:
        parse(text, "my.yaml")
    assert message in str(caught.value)
    assert f"my.yaml, line {line_of(text, part)}:" in str(caught.value)


def test_one_mistake_is_one_line(tiny_text: str) -> None:
    text = tiny_text.replace("at: [3.9, 1.2]", "at: [3.9]").replace("width: 128", "width: 12", 1)
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert len(str(caught.value).splitlines()) == 2


def test_a_building_without_a_way_out(tiny_text: str) -> None:
    text = tiny_text.replace("- {name: front, between: [room, outside], at: [1.5, 0]}", "")
    with pytest.raises(ConfigError, match="no door leads outside"):
        parse(text)


def test_files_that_are_no_plans(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one of house, garden, shop, office, demo"):
        load(str(tmp_path / "none.yaml"))
    for content, message in (("rooms: [", "not YAML"), ("[1, 2]", "expected keys"), ("", "expected keys")):
        path = tmp_path / "plan.yaml"
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ConfigError, match=message):
            load(str(path))
    with pytest.raises(ConfigError, match="minutes"):
        load("demo", minutes=-1)


def test_every_field_is_described() -> None:
    schema = Plan.model_json_schema()
    for name, part in [("Plan", schema), *schema["$defs"].items()]:
        for field, content in part["properties"].items():
            assert content.get("description"), f"{name}.{field} has no description"
