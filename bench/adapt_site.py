"""What an embedder wins by getting used to a site: without labels, and with a few.

    PERDURE_SHARED=../shared python bench/adapt_site.py checkpoints/embed/perdure-s-final.pt
    PERDURE_SHARED=../shared python bench/adapt_site.py src/perdure/models/perdure_s.onnx --site pets

`market`: the site is market1501-dev as its last 100 people see it, whom no network of ours has trained on. The
tracklets of the first 50 of them (person, camera and sequence, as a tracker would cut them; nobody says who is who) are
what is there to learn from; the other 50 are what is tested. `few` is told the names of those first 50 instead,
`--crops` crops each.

`pets`: a foreign site, one camera. What is learned from are the tracklets of its first minute (a person in a window of
10 s, nobody says who is who); what is tested is who is who in the minute after, other people and some of the same.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import csv
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml

from embedder import pets_over_time
from perdure.models.catalogue import find
from perdure.train.embedder.adapt import adapt
from perdure.train.embedder.data import read_crops
from perdure.train.embedder.nets import SHIPPED, BodyNet
from perdure.train.embedder.restore import put_weights
from perdure.train.embedder.train import train_embedder
from perdure.train.embedder.validate import as_planes, embed, retrieval, validate

SHARED = Path(os.environ.get("PERDURE_SHARED", "../shared")).resolve()
NAME = re.compile(r"^(\d{4})_c(\d)s(\d)_")
LEARNED_WINDOWS = 6  # of the twelve of PETS
SIZE_HW = (192, 96)


@dataclass(frozen=True)
class Site:
    """What there is to learn from and to test on.

    Attributes:
        seen: path, person, camera and tracklet of each crop to learn from.
        unseen: a labelled set.
    """

    seen: list[tuple[Path, str, str, str]]
    unseen: dict[str, str]


FEW_RATE = 2e-4  # of the training on a few labelled crops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "weights", help="-final.pt or -<phase>.pt of a run of the shipped shape, or the .onnx that ships"
    )
    parser.add_argument("--site", choices=list(SITES), default="market")
    parser.add_argument("--rounds", type=int, default=4, help="0: leave the unlabelled line out")
    parser.add_argument(
        "--crops", type=int, default=4, help="labelled crops of each person for the few-shot line; 0: none"
    )
    parser.add_argument("--epochs", type=int, default=8, help="of the few-shot training")
    parser.add_argument("--keep", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=1e-4, help="of the unlabelled line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        site = SITES[options.site](room)
        if options.rounds:
            unlabelled(room, options, site)
        if options.crops:
            few(room, options, site)


def market(room: Path) -> Site:
    paths = sorted((SHARED / "data/market1501-dev").glob("*.jpg"))
    people = sorted({p.name[:4] for p in paths})[-100:]
    seen, unseen = set(people[:50]), set(people[50:])
    (room / "unseen").mkdir()
    for path in paths:
        if path.name[:4] in unseen:
            (room / "unseen" / path.name).symlink_to(path)
    told = [(p, *NAME.match(p.name).groups()) for p in paths if p.name[:4] in seen]
    return Site(
        [(p, a, c, f"{a}-{c}-{s}") for p, a, c, s in told], {"layout": "market1501", "path": str(room / "unseen")}
    )


def pets(room: Path) -> Site:
    card, _ = find("perdure-s", "embedder")
    data = pets_over_time(0.0 if card.input is None else card.input.border)
    seen, unseen = [], []
    for i, (crop, who, window) in enumerate(zip(data.crops, data.person, data.camera, strict=True)):
        cv2.imwrite(str(path := room / f"{i}.png"), crop)
        if window < LEARNED_WINDOWS:
            seen.append((path, str(who), "view1", f"{who}-{window}"))
        else:
            unseen.append((path, int(who), int(window)))
    write(room / "unseen.csv", ("path", "identity", "camera"), unseen)
    return Site(seen, {"layout": "csv", "path": str(room / "unseen.csv")})


def unlabelled(room: Path, options: argparse.Namespace, site: Site) -> None:
    """Getting used to the site by its tracklets; with one query per person and camera, and every crop as a query."""
    write(room / "site.csv", ("path", "tracklet", "camera"), [(p, t, c) for p, _, c, t in site.seen])
    told = {"name": "site", "start": options.weights, "tables": [str(room / "site.csv")], "folder": str(room)}
    more = {"rounds": options.rounds, "keep": options.keep, "learning_rate": options.rate}
    (room / "site.yaml").write_text(yaml.safe_dump(told | more))
    crops = read_crops(site.unseen["layout"], Path(site.unseen["path"]), SIZE_HW)
    before = BodyNet(SHIPPED)
    put_weights(before, Path(options.weights), as_planes(crops.pixels[:256]))
    for title, net in (("before", before), ("unlabelled", adapt(room / "site.yaml"))):
        some = validate(net, crops, SIZE_HW)
        every = retrieval(embed(net, crops, SIZE_HW)[0], crops.identities, crops.cameras, np.arange(len(crops)))
        shown = [f"rank-1 {s.rank1:.3f}  mAP {s.mean_ap:.3f} ({s.queries})" for s in (some, every)]
        print(f"{title:16s}{' | every crop '.join(shown)}", flush=True)


def few(room: Path, options: argparse.Namespace, site: Site) -> None:
    """Fine-tuning on a few labelled crops of each known person, spread over their cameras."""
    chosen = []
    for person in sorted({row[1] for row in site.seen}):
        mine = [row for row in site.seen if row[1] == person]
        step = max(1, len(mine) // options.crops)
        chosen += mine[::step][: options.crops]
    write(room / "few.csv", ("path", "identity", "camera"), [(p, a, c) for p, a, c, _ in chosen])
    content = {
        "name": "few",
        "start": options.weights,
        "labelled": [{"layout": "csv", "path": str(room / "few.csv")}],
        "validation_identities": 2,
        "people_per_batch": min(16, len({row[1] for row in site.seen}) - 2),
        "tests": [site.unseen],
        "phases": [{"name": "few", "epochs": options.epochs, "learning_rate": FEW_RATE}],
        "quality": {"crops": 16, "steps": 2},
        "validate_every": 100,
        "folder": str(room),
    }
    (room / "few.yaml").write_text(yaml.safe_dump(content))
    train_embedder(room / "few.yaml", resume=False)
    line = json.loads((room / "few.jsonl").read_text().splitlines()[-1])
    print(f"{len(chosen)} labelled    rank-1 {line['rank1']:.3f}  mAP {line['mean_ap']:.3f}")


def write(path: Path, header: tuple[str, ...], rows: list[tuple]) -> None:
    with path.open("w", newline="") as lines:
        csv.writer(lines).writerows([header, *rows])


SITES = {"market": market, "pets": pets}

if __name__ == "__main__":
    main()
