"""What an embedder wins by getting used to a site: without labels, and with a few.

    PERDURE_SHARED=../shared python bench/adapt_site.py checkpoints/embed/perdure-s-final.pt

The site is market1501-dev as its last 100 people see it, whom no network of ours has trained on. The tracklets of the
first 50 of them (person, camera and sequence, as a tracker would cut them; nobody says who is who) are what is there to
learn from; the other 50 are what is tested. `few` is told the names of those first 50 instead, `--crops` crops each.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import csv
import json
import re
import tempfile
from pathlib import Path

import yaml

from perdure.train.embedder.adapt import adapt
from perdure.train.embedder.train import train_embedder

SHARED = Path(os.environ.get("PERDURE_SHARED", "../shared")).resolve()
NAME = re.compile(r"^(\d{4})_c(\d)s(\d)_")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="-final.pt or -<phase>.pt of a run of the shipped shape")
    parser.add_argument("--rounds", type=int, default=4, help="0: leave the unlabelled line out")
    parser.add_argument("--crops", type=int, default=4, help="labelled crops of each person for the few-shot line")
    parser.add_argument("--epochs", type=int, default=8, help="of the few-shot training")
    parser.add_argument("--keep", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=2e-4)
    options = parser.parse_args()
    paths = sorted((SHARED / "data/market1501-dev").glob("*.jpg"))
    people = sorted({p.name[:4] for p in paths})[-100:]
    seen, unseen = set(people[:50]), set(people[50:])
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        (room / "unseen").mkdir()
        for path in paths:
            if path.name[:4] in unseen:
                (room / "unseen" / path.name).symlink_to(path)
        tests = [{"layout": "market1501", "path": str(room / "unseen")}]
        tracklets = [(p, *NAME.match(p.name).groups()) for p in paths if p.name[:4] in seen]
        write(room / "site.csv", ("path", "tracklet", "camera"), [(p, f"{a}-{c}-{s}", c) for p, a, c, s in tracklets])
        site = {"name": "site", "start": options.weights, "tables": [str(room / "site.csv")], "tests": tests}
        more = {"rounds": options.rounds, "keep": options.keep, "learning_rate": options.rate, "folder": folder}
        (room / "site.yaml").write_text(yaml.safe_dump(site | more))
        if options.rounds:
            adapt(room / "site.yaml")
            line = json.loads((room / "site.jsonl").read_text().splitlines()[0])
            print(f"before          rank-1 {line['rank1_before']:.3f}  mAP {line['mean_ap_before']:.3f}")
            print(f"unlabelled      rank-1 {line['rank1']:.3f}  mAP {line['mean_ap']:.3f}", flush=True)
        if options.crops:
            few(room, options, tracklets, tests)


def few(room: Path, options: argparse.Namespace, tracklets: list[tuple], tests: list[dict[str, str]]) -> None:
    """Fine-tuning on a few labelled crops of each known person, spread over their cameras."""
    chosen = []
    for person in sorted({t[1] for t in tracklets}):
        mine = [t for t in tracklets if t[1] == person]
        step = max(1, len(mine) // options.crops)
        chosen += mine[::step][: options.crops]
    write(room / "few.csv", ("path", "identity", "camera"), [(p, a, c) for p, a, c, _ in chosen])
    content = {
        "name": "few",
        "start": options.weights,
        "labelled": [{"layout": "csv", "path": str(room / "few.csv")}],
        "validation_identities": 2,
        "tests": tests,
        "phases": [{"name": "few", "epochs": options.epochs, "learning_rate": options.rate}],
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


if __name__ == "__main__":
    main()
