from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perdure.errors import InputError
from perdure.evaluate.datasets import query_each, read, without_junk


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_market_with_query_and_gallery_folders(tmp_path: Path) -> None:
    touch(tmp_path, "query/0007_c3s2_000123_00.jpg", "query/Thumbs.db", "bounding_box_test/-1_c1s1_000001_00.jpg")
    touch(tmp_path, "bounding_box_test/0000_c2s1_000005_00.jpg", "bounding_box_test/0007_c1s1_000009_02.jpg")
    data = read(tmp_path)
    assert data.layout == "market"
    assert data.pictures.person.tolist() == [7, -1, 0, 7]
    assert data.pictures.camera.tolist() == [3, 1, 2, 1]
    assert data.pictures.sequence.tolist() == [2, 1, 1, 1]
    assert data.pictures.frame.tolist() == [123, 1, 5, 9]
    assert (data.query.tolist(), data.gallery.tolist()) == ([0], [1, 2, 3])
    lean = without_junk(data)
    assert lean.pictures.person.tolist() == [7, 0, 7]
    assert (lean.query.tolist(), lean.gallery.tolist()) == ([0], [1, 2])


def test_a_folder_without_division_takes_one_query_per_person_and_camera(tmp_path: Path) -> None:
    names = [f"{p:04d}_c{c}s1_{f:06d}_00.jpg" for p in (1, 2) for c in (1, 2, 5) for f in range(4)]
    touch(tmp_path, *names)
    data = read(tmp_path)
    assert data.gallery.tolist() == list(range(24))
    chosen = {(int(data.pictures.person[q]), int(data.pictures.camera[q])) for q in data.query}
    assert len(data.query) == len(chosen) == 6
    assert read(tmp_path).query.tolist() == data.query.tolist()


def test_query_each_takes_nobody_who_is_not_a_person_and_one_where_cameras_are_unknown() -> None:
    person, camera = np.array([1, 1, 1, 0, -1, 2]), np.array([-1, -2, -3, 1, 1, 1])
    rows = query_each(person, camera)
    assert person[rows].tolist() == [1, 2]
    assert len({int(query_each(person, camera, seed)[0]) for seed in range(20)}) == 3


def test_msmt17_lists(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "list_query.txt").write_text("0000/0000_000_01_0303morning_0015_0.jpg 0\n")
    (tmp_path / "list_gallery.txt").write_text("0000/0000_001_14_0303noon_0015_0.jpg 0\n0003/0003_000_02_x_1_0.jpg 3\n")
    data = read(tmp_path)
    assert data.layout == "msmt17"
    assert data.pictures.person.tolist() == [1, 1, 4]
    assert data.pictures.camera.tolist() == [1, 14, 2]
    assert data.pictures.paths[0] == tmp_path / "test/0000/0000_000_01_0303morning_0015_0.jpg"
    (tmp_path / "list_gallery.txt").write_text("nonsense\n")
    with pytest.raises(InputError, match=r"list_gallery\.txt:1"):
        read(tmp_path)


def test_person_folders_with_and_without_cameras_in_the_names(tmp_path: Path) -> None:
    with_cameras = touch(tmp_path / "a", "ann/door_1.png", "ann/hall_1.png", "bob/hall_1.png", "bob/hall_2.png")
    data = read(with_cameras)
    assert data.layout == "cameras"
    assert data.pictures.person.tolist() == [1, 1, 2, 2]
    assert data.pictures.camera.tolist() == [0, 1, 1, 1]
    without = touch(tmp_path / "b", "ann/1.png", "ann/2.png", "bob/1.png")
    data = read(without)
    assert data.layout == "people"
    assert len(set(data.pictures.camera.tolist())) == 3
    assert (data.pictures.camera < 0).all()
    assert data.pictures.person[data.query].tolist() == [1, 2]
    own_name = touch(tmp_path / "c", "0001/0001_a.png", "0001/0001_b.png", "0002/0002_a.png")
    assert read(own_name).layout == "people"
    with pytest.raises(InputError, match="two cameras"):
        read(without, "cameras")


def test_csv_with_names_and_numbers(tmp_path: Path) -> None:
    listing = tmp_path / "crops.csv"
    listing.write_text("path, person, camera, frame\na.png,ann,door,4\nb.png,bob,hall,5\nc.png,-1,hall,6\n")
    data = read(listing)
    assert data.layout == "csv"
    assert data.pictures.paths[0] == tmp_path / "a.png"
    assert data.pictures.person.tolist() == [2, 3, -1]
    assert data.pictures.camera.tolist() == [0, 1, 1]
    assert data.pictures.frame.tolist() == [4, 5, 6]
    listing.write_text("path,person\na.png,1\n")
    with pytest.raises(InputError, match=r"lacks the column\(s\) camera"):
        read(listing)
    listing.write_text("path,person,camera,frame\na.png,1,1,soon\n")
    with pytest.raises(InputError, match=r"crops\.csv:2: frame 'soon'"):
        read(listing)
    listing.write_text("path,person,camera\na.png,,1\n")
    with pytest.raises(InputError, match="person is empty"):
        read(listing)
    listing.write_text("path,person,camera\n")
    with pytest.raises(InputError, match="no rows"):
        read(listing)


def test_a_wrong_layout_says_what_was_found_and_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        read(tmp_path / "absent")
    with pytest.raises(InputError, match=r"empty.*expected query/"):
        read(tmp_path)
    touch(tmp_path, "holiday.jpg", "notes.txt")
    with pytest.raises(InputError, match="1 pictures and 1 other files"):
        read(tmp_path)
    with pytest.raises(InputError, match="expected a folder"):
        read(tmp_path / "notes.txt")
    with pytest.raises(InputError, match="unknown layout"):
        read(tmp_path, "duke")  # type: ignore[arg-type]
    touch(tmp_path, "query/0001_c1s1_000001_00.jpg")
    with pytest.raises(InputError, match="query/ alone"):
        read(tmp_path)
    touch(tmp_path, "gallery/strange.jpg")
    with pytest.raises(InputError, match=r"strange\.jpg is not named like Market"):
        read(tmp_path)
