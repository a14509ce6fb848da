from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from perdure.errors import InputError
from perdure.train.embedder.data import Crops, hold_out, join_crops, read_crops, read_people, read_picture, read_places


def _picture(path, value=100, size=(40, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*size, 3), value, np.uint8))


def test_market_names_give_identity_and_camera_and_junk_is_left_out(tmp_path):
    for name in ("0002_c1s1_000451_03.jpg", "0002_c12s3_000001_01.jpg", "-1_c1s1_000401_03.jpg", "0000_c3s1_1_00.jpg"):
        _picture(tmp_path / name)
    (tmp_path / "readme.txt").write_text("x")
    crops = read_crops("market1501", tmp_path, (32, 16))
    assert crops.identities.tolist() == [2, 2]
    assert crops.cameras.tolist() == [12, 1] or crops.cameras.tolist() == [1, 12]
    assert crops.pixels.shape == (2, 32, 16, 3)


@pytest.mark.parametrize(
    ("layout", "name", "identity", "camera"),
    [
        ("mars", "0007/0007C3T0001F012.jpg", 7, 3),
        ("msmt17", "0000/0000_010_05_0303morning_0015_0.jpg", 0, 5),
        ("cuhk03", "1_023_2_07.png", 10_023, 2),
    ],
)
def test_other_layouts(tmp_path, layout, name, identity, camera):
    _picture(tmp_path / name)
    crops = read_crops(layout, tmp_path, (32, 16))
    assert (crops.identities.tolist(), crops.cameras.tolist()) == ([identity], [camera])


def test_a_folder_per_identity_may_hold_one_picture(tmp_path):
    _picture(tmp_path / "anna" / "a.jpg")
    _picture(tmp_path / "bert" / "b.png")
    _picture(tmp_path / "bert" / "c.png")
    crops = read_crops("folders", tmp_path, (32, 16))
    assert crops.identities.tolist() == [0, 1, 1]
    assert crops.cameras.tolist() == [-1, -1, -1]


def test_csv_paths_are_relative_to_the_table(tmp_path):
    _picture(tmp_path / "x" / "1.jpg")
    _picture(tmp_path / "x" / "2.jpg")
    (tmp_path / "list.csv").write_text("path,identity,camera\nx/1.jpg,anna,door\nx/2.jpg,bert,\n")
    crops = read_crops("csv", tmp_path / "list.csv", (32, 16))
    assert crops.identities.tolist() == [0, 1]
    assert crops.cameras.tolist() == [0, -1]


def test_csv_without_its_columns_is_told(tmp_path):
    (tmp_path / "list.csv").write_text("file,who\na,b\n")
    with pytest.raises(InputError, match="columns path, identity"):
        read_crops("csv", tmp_path / "list.csv", (32, 16))


def test_a_missing_or_wrong_layout_is_told(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_crops("market1501", tmp_path / "nowhere", (32, 16))
    with pytest.raises(InputError, match="unknown"):
        read_crops("nonsense", tmp_path, (32, 16))
    _picture(tmp_path / "holiday.jpg")
    with pytest.raises(InputError, match="no picture named as in the market1501 layout"):
        read_crops("market1501", tmp_path, (32, 16))


def test_a_file_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "0002_c1s1_000451_03.jpg").write_text("not a picture")
    with pytest.raises(InputError, match="0002_c1s1_000451_03"):
        read_crops("market1501", tmp_path, (32, 16))


@pytest.mark.parametrize("size", [(1, 1), (3000, 2000)])
def test_tiny_huge_and_grey_pictures_are_read(tmp_path, size):
    path = tmp_path / "p.png"
    cv2.imwrite(str(path), np.full(size, 90, np.uint8))
    picture = read_picture(path, (32, 16))
    assert picture.shape == (32, 16, 3)
    assert (picture == 90).all()


def _crops(identities, cameras):
    n = len(identities)
    return Crops(np.zeros((n, 4, 2, 3), np.uint8), np.array(identities), np.array(cameras), tuple(map(str, range(n))))


def test_mixtures_never_confuse_two_sets():
    both = join_crops([_crops([3, 3, 5], [1, 2, 1]), _crops([3, -1], [1, -1])])
    assert len(set(both.identities[:3]) & set(both.identities[3:])) == 0
    assert both.identities[4] == -1
    assert both.cameras[3] not in both.cameras[:3]
    assert len(set(both.names)) == 5


def test_hold_out_takes_the_last_identities_whole():
    train, held = hold_out(_crops([1, 5, 5, 9, 9, 7], [0] * 6), 2)
    assert sorted(train.identities) == [1, 5, 5]
    assert sorted(held.identities) == [7, 9, 9]
    with pytest.raises(InputError, match="hold out"):
        hold_out(_crops([1, 2], [0, 0]), 2)


def test_people_are_cut_from_a_detection_set(tmp_path):
    scene = np.zeros((200, 300, 3), np.uint8)
    scene[20:120, 30:80] = 255
    cv2.imwrite(str(tmp_path / "scene.png"), scene)
    boxes = [
        {"image_id": 1, "bbox": [30, 20, 50, 100], "iscrowd": 0},
        {"image_id": 1, "bbox": [0, 0, 50, 100], "iscrowd": 1},
        {"image_id": 1, "bbox": [0, 0, 10, 20], "iscrowd": 0},
        {"image_id": 1, "bbox": [0, 0, 200, 100], "iscrowd": 0},
    ]
    listing = {"images": [{"id": 1, "file_name": "scene.png"}], "annotations": boxes}
    (tmp_path / "train.json").write_text(json.dumps(listing))
    people = read_people(tmp_path / "train.json", (32, 16))
    assert len(people) == 1
    assert (people.pixels == 255).all()
    assert people.identities.tolist() == [-1]


def test_people_are_cut_from_sequences_where_there_are_pictures(tmp_path):
    frames = tmp_path / "MOT17-02" / "img1"
    frames.mkdir(parents=True)
    for number, value in ((1, 50), (2, 90)):
        cv2.imwrite(str(frames / f"{number:06d}.png"), np.full((200, 300, 3), value, np.uint8))
    rows = [
        "1,1,30,20,50,100,1,1,1.0",
        "2,1,32,20,50,100,1,1,0.9",
        "2,2,90,20,50,100,1,1,0.2",  # hidden
        "2,3,90,20,50,100,0,1,1.0",  # does not count
        "2,4,90,20,50,100,1,3,1.0",  # a car
        "3,1,34,20,50,100,1,1,1.0",  # no picture
    ]
    truth = frames.parent / "gt" / "gt.txt"
    truth.parent.mkdir()
    truth.write_text("\n".join(rows))
    people = read_people(tmp_path, (32, 16))
    assert people.pixels.mean((1, 2, 3)).tolist() == [50, 90]
    assert people.names[0] == "MOT17-02/img1/000001.png@30,20,50,100"
    truth.write_text("1,1,30")
    with pytest.raises(InputError, match="MOTChallenge"):
        read_people(tmp_path, (32, 16))
    truth.unlink()
    with pytest.raises(InputError, match="no person"):
        read_people(tmp_path, (32, 16))


def test_people_are_cut_with_what_is_around_them(tmp_path):
    scene = np.zeros((100, 100, 3), np.uint8)
    scene[40:100, 40:60] = 255  # feet at the border of the picture: below, its edge is repeated
    cv2.imwrite(str(tmp_path / "s.png"), scene)
    boxes = [{"image_id": 1, "bbox": [40, 40, 20, 60]}]
    listing = {"images": [{"id": 1, "file_name": "s.png"}], "annotations": boxes}
    (tmp_path / "train.json").write_text(json.dumps(listing))
    people = read_people(tmp_path / "train.json", (60, 20), context=0.25)
    assert people.pixels.shape == (1, 90, 30, 3)
    assert people.within_boxes().shape == (1, 60, 20, 3)
    assert (people.within_boxes() == 255).all()
    assert people.pixels[0, :15].max() == 0
    assert people.widened(0.1).within_boxes().shape == (1, 72, 24, 3)
    assert people.widened(9.0).within_boxes().shape == people.pixels.shape
    assert (people.pixels[0, 75:, 5:25] == 255).all()


def test_a_table_may_name_pictures_anywhere(tmp_path):
    _picture(tmp_path / "elsewhere" / "a.png")
    table = tmp_path / "here" / "people.csv"
    table.parent.mkdir()
    table.write_text(f"path,identity,camera\n{tmp_path / 'elsewhere' / 'a.png'},1,1\n")
    assert read_crops("csv", table, (32, 16)).names == (str(tmp_path / "elsewhere" / "a.png"),)


def test_a_border_is_added_around_tight_crops(tmp_path):
    _picture(tmp_path / "0002_c1s1_000451_03.jpg", value=90)
    framed = read_crops("market1501", tmp_path, (32, 16)).with_context((64, 32), 0.25)
    assert framed.pixels.shape == (1, 96, 48, 3)
    assert framed.within_boxes().shape == (1, 64, 32, 3)
    assert abs(int(framed.pixels.min()) - 90) < 3


def test_a_wrong_detection_file_is_told(tmp_path):
    (tmp_path / "train.json").write_text("[]")
    with pytest.raises(InputError, match="COCO"):
        read_people(tmp_path / "train.json", (32, 16))
    with pytest.raises(InputError, match="COCO"):
        read_places(tmp_path / "train.json", 3, (32, 16), np.random.default_rng(0), 0.0)
    (tmp_path / "train.json").write_text('{"images": [], "annotations": []}')
    with pytest.raises(InputError, match="no picture"):
        read_places(tmp_path / "train.json", 3, (32, 16), np.random.default_rng(0), 0.0)


@pytest.mark.parametrize("size_hw", [(200, 300), (6, 4), (300, 10)])
def test_places_are_anywhere_in_pictures_of_any_size(tmp_path, size_hw):
    for name, value in (("a.png", 40), ("b.png", 200)):
        cv2.imwrite(str(tmp_path / name), np.full((*size_hw, 3), value, np.uint8))
    pictures = [{"id": i, "file_name": name} for i, name in enumerate(("a.png", "b.png"))]
    (tmp_path / "train.json").write_text(json.dumps({"images": pictures, "annotations": []}))
    places = read_places(tmp_path / "train.json", 12, (60, 20), np.random.default_rng(0), 0.25)
    assert places.pixels.shape == (12, 90, 30, 3)
    assert len(set(places.names)) == 12
    assert set(np.unique(places.pixels)) == {40, 200}
    for name, crop in zip(places.names, places.pixels, strict=True):
        x, y, w, h = (float(v) for v in name.split("@")[1].split(","))
        assert crop.max() == (40 if name.startswith("a") else 200)
        assert -0.1 <= x <= x + w <= size_hw[1] + 0.1
        assert -0.1 <= y <= y + h <= size_hw[0] + 0.1
