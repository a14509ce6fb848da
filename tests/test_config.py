from __future__ import annotations

import pytest
from pydantic import BaseModel

from perdure.config import Config, load, parse
from perdure.errors import ConfigError


def fields(model: type[BaseModel], prefix: str = ""):
    """Every field of the configuration with its key."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}", field
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name}.")


@pytest.mark.parametrize(("key", "field"), list(fields(Config)), ids=[key for key, _ in fields(Config)])
def test_every_field_is_described(key, field):
    assert field.description
    assert field.description.endswith(".")


def floor(pixels, metres):
    return {"cameras": {"a": {"source": "x", "floor": {"pixels": pixels, "metres": metres}}}}


SQUARE = [[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]]
LINE = {"start": [0, 0.5], "end": [1, 0.5]}
TWICE = {"cameras": {"a": {"source": "x", "lines": {"till": LINE}, "zones": {"till": {"polygon": SQUARE}}}}}


def zone(polygon, **keys):
    return {"cameras": {"a": {"source": "x", "zones": {"till": {"polygon": polygon, **keys}}}}}


def test_no_file_means_the_defaults():
    assert load(None) == Config()
    assert parse({}) == Config()


def test_a_file_is_read(tmp_path):
    file = tmp_path / "perdure.yaml"
    file.write_text("cameras:\n  door: {source: x.mp4}\nevents: {visit_gap_s: 30}\n")
    settings = load(file)
    assert settings.cameras["door"].source == "x.mp4"
    assert settings.events.visit_gap_s == 30
    file.write_text("")
    assert load(file) == Config()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"trackin": {}}, "unknown key 'trackin'; did you mean 'tracking'"),
        ({"cameras": {"a": {"source": "x", "ofset_s": 1}}}, "unknown key 'cameras.a.ofset_s'; did you mean 'offset_s'"),
        ({"gallery": {"zzz": 1}}, "unknown key 'gallery.zzz'; known keys: policy"),
        ({"cameras": {"a": {}}}, "cameras.a.source: Field required"),
        ({"cameras": {"a": {"source": "x", "rate_fps": 0}}}, "allowed: > 0.0 and <= 1000.0"),
        ({"gallery": {"false_match_rate": 0.9}}, "gallery.false_match_rate: .*got 0.9, allowed: > 0.0 and < 0.5"),
        ({"tracking": {"low_score": 0.6, "high_score": 0.4}}, "low_score 0.6 is above high_score 0.4"),
        ({"topology": {"travel": [{"between": ["a", "b"], "at_least_s": -1}]}}, "travel.0.at_least_s: .*got -1"),
        (zone([[0, 0], [1, 1]]), "cameras.a.zones.till: .*three corners or more, this one has 2"),
        (zone([[0, 0], [1, 1], [1, 0], [0, 1]]), "its sides cross or touch each other"),
        (zone([[0, 0], [1.5, 0], [1, 1]]), r"\[1.5, 0\] is outside the picture"),
        (zone([[0, 0], [0.01, 0], [0, 0.01]]), "too small to stand in"),
        (zone(SQUARE, served_by="x"), "only a queue has it"),
        (zone(SQUARE, queue=True, served_by="sill"), "this camera has no line 'sill'; it has no lines"),
        (zone(SQUARE, max_peple=3), "unknown key 'cameras.a.zones.till.max_peple'; did you mean 'max_people'"),
        (zone(SQUARE, min_stay_s=-1), "allowed: >= 0.0 and <= 3600.0"),
        (
            {"cameras": {"a": {"source": "x", "lines": {"till": LINE}, "zones": {"till": {"polygon": SQUARE}}}}},
            "rename one",
        ),
        ({"cameras": {"a": {"source": "x", "lines": {"l": {"start": [0.5, 0.5], "end": [0.5, 0.5]}}}}}, "are the same"),
        ({"events": {"loiter_after_s": 100, "loiter_within_s": 50}}, "loiter_after_s is above loiter_within_s, 50"),
        ({"rules": {"night": {"tell": ["phone"]}}}, "no way 'phone' in notify; there are no ways"),
        (
            {"rules": {"night": {"tell": ["a"], "what": ["visits"]}}},
            "rules.night.what.0: Input should be 'visit', 'stay'",
        ),
        (floor([[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 0], [1, 1]]), "needs four marks or more, each twice: 3 pixels"),
        (floor([[0, 0], [1, 0], [1, 1], [0, 1]], [[0, 0]]), "needs four marks or more, each twice: 4 pixels, 1 metres"),
        (floor([[0, 0], [1, 0], [2, 0], [0, 1]], [[0, 0], [1, 5], [2, 0], [0, 1]]), "no floor fits the marks"),
        (floor([[0, 0]] * 4, [[0, 0]] * 4), "no floor fits the marks"),
        (floor([[0, 0], [4, 0], [3, 2], [1, 2]], [[0, 0], [4, 0], [0, 6], [4, 6]]), "no floor fits .*mixed up"),
        (
            floor([[0, 0], [9, 0], [9, 9], [0, 9], [5, 5]], [[0, 0], [9, 0], [9, 9], [0, 9], [5, 9]]),
            "no floor fits the marks: mark . is off by",
        ),
        ({"topology": {"overlapping": [["a", "a"]]}}, "overlapping: 'a' is given twice, a pair needs two cameras"),
        (
            {"topology": {"overlapping": [["b", "a"]], "travel": [{"between": ["a", "b"], "at_least_s": 5}]}},
            "'a' and 'b' cannot overlap and be 5 s apart",
        ),
        (
            {
                "topology": {
                    "travel": [{"between": [x, y], "at_least_s": s} for x, y, s in (("a", "b", 5), ("b", "a", 6))]
                }
            },
            "'a' and 'b' is given as 5 s and as 6 s",
        ),
        ({"detection": {"every": "often"}}, "detection.every: .*got 'often'"),
    ],
)
def test_an_error_names_the_key_and_what_is_allowed(content, told):
    with pytest.raises(ConfigError, match=told):
        parse(content)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        load(tmp_path / "no.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not YAML"):
        load(tmp_path / "binary.yaml")


def test_a_name_given_twice_is_an_error_that_says_where(tmp_path):
    file = tmp_path / "perdure.yaml"
    file.write_text("cameras:\n  door: {source: x.mp4}\n  yard: {source: y.mp4}\n  door: {source: z.mp4}\n")
    with pytest.raises(ConfigError, match=r"'door' is given twice[\s\S]*line 4"):
        load(file)


def test_zones_lines_and_rules_are_read():
    drawn = {"zones": {"queue": {"polygon": SQUARE, "queue": True, "served_by": "sill"}}, "lines": {"sill": LINE}}
    rule = {"what": ["crossing"], "where": ["a/sill"], "tell": ["log"], "when": [["18:00", "06:00"]]}
    settings = parse(
        {"cameras": {"a": {"source": "x", **drawn}}, "notify": {"log": {"file": "x"}}, "rules": {"late": rule}}
    )
    assert settings.cameras["a"].zones["queue"].served_by == "sill"
    assert settings.cameras["a"].is_drawn
    assert settings.rules["late"].what == ("crossing",)


def test_a_rule_about_a_place_that_is_none_is_said_and_not_refused():
    drawn = {"zones": {"till": {"polygon": SQUARE}}, "lines": {"sill": LINE}}
    rule = {"where": ["a", "a/till", "a/sill", "a/tlil", "b"], "tell": ["log"]}
    settings = parse(
        {"cameras": {"a": {"source": "x", **drawn}}, "notify": {"log": {"file": "x"}}, "rules": {"late": rule}}
    )
    first, second = settings.silent_rules()
    assert first.startswith("rules.late.where: nothing is told from 'a/tlil'")
    assert first.endswith("there are a, a/sill, a/till")
    assert "'b'" in second
