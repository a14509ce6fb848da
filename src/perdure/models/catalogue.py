"""Names to cards, and cards to files."""

from __future__ import annotations

import difflib
import hashlib
import os
import shutil
from pathlib import Path

from perdure.errors import ModelError
from perdure.models.card import Card, Task, read_card

PACKAGE = Path(__file__).parent
CARDS = PACKAGE / "cards"
BUILT_IN = {"detector": "perdure-det", "embedder": "perdure-s"}
BASELINE = "baseline"
AUTO = "auto"


def user_folder() -> Path:
    """Where models that a user added are kept; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_data_dir("perdure", appauthor=False)) / "models"


def folders() -> list[Path]:
    """Where model files are looked for, in this order: the package, ``PERDURE_MODELS`` (folders separated as in
    ``PATH``), the user's data folder, ``../shared/models`` beside the working directory and beside a source checkout.
    """
    named = [Path(part) for part in os.environ.get("PERDURE_MODELS", "").split(os.pathsep) if part]
    checkout = PACKAGE.parents[2]
    beside = [Path.cwd().parent / "shared" / "models"]
    if (checkout / "pyproject.toml").is_file():
        beside.append(checkout.parent / "shared" / "models")
    return [PACKAGE, *named, user_folder(), *beside]


def cards() -> tuple[Card, ...]:
    """Every sound card: the package's, then those of added models, each in order of file name."""
    return read_cards()[0]


def read_cards() -> tuple[tuple[Card, ...], tuple[ModelError, ...]]:
    """Every sound card, and what is wrong with the others: one broken card never hides the rest."""
    sound: list[Card] = []
    broken: list[ModelError] = []
    for path in (*sorted(CARDS.glob("*.json")), *sorted(user_folder().glob("*.card.json"))):
        try:
            sound.append(read_card(path))
        except ModelError as error:
            broken.append(error)
    return tuple(sound), tuple(broken)


def locate(card: Card) -> Path | None:
    """The file of a card, or None where it is in none of the folders. A card without a file is at its own code."""
    if card.file is None:
        return PACKAGE
    return next((path for folder in folders() if (path := folder / card.file).is_file()), None)


def choose(name: str, task: Task) -> str:
    """``auto`` resolved: our own model where its file is in the package, else the baseline."""
    if name != AUTO:
        return name
    own = BUILT_IN.get(task)
    here = any(c.name == own and c.file is not None and (PACKAGE / c.file).is_file() for c in cards())
    return own if own is not None and here else BASELINE


def find(name_or_path: str, task: Task | None = None) -> tuple[Card, Path]:
    """The card and file of a model, by name, or by the path of an ONNX file.

    Args:
        name_or_path: a name of the catalogue, ``auto``, the path of an ONNX file, or a name that vectors are kept
            under (``Card.vectors``).
        task: what the model has to do; needed for ``auto`` and ``baseline``, which exist for several tasks.

    Raises:
        ModelError: the name is unknown (the near ones are listed), the file is missing (where to get it and its sha256
            are told), the model does something else, an ONNX file has no card, or its weights are others than asked
            for.
    """
    if task is not None:
        name_or_path = choose(name_or_path, task)
    known, broken = read_cards()
    named = [card for card in known if name_or_path in (card.name, card.vectors)]
    fitting = [card for card in named if task is None or card.task == task]
    if fitting:
        return fitting[0], _require(fitting[0])
    if named:
        raise ModelError(
            f"model {name_or_path!r} is for another task ({named[0].task}, not {task}); {_offer(known, task)}"
        )
    damaged = [error for error in broken if f"{name_or_path}." in str(error)]
    if damaged:
        raise damaged[0]
    if name_or_path.endswith(".onnx") or os.sep in name_or_path:
        card, path = _of_file(Path(name_or_path), known)
        if task is not None and card.task != task:
            raise ModelError(
                f"{path} ({card.name}) is for another task ({card.task}, not {task}); {_offer(known, task)}"
            )
        return card, path
    other = next((card for card in known if name_or_path.rpartition("@")[0] == card.name), None)
    if other is not None:
        raise ModelError(f"these are vectors of {name_or_path}, but the weights here are {other.vectors}: embed again")
    near = _near(name_or_path, [card.name for card in known])
    hint = f"did you mean {' or '.join(repr(name) for name in dict.fromkeys(near))}?" if near else _offer(known, task)
    raise ModelError(f"unknown model {name_or_path!r}; {hint}")


def verify(card: Card, path: Path) -> None:
    """Check a file against its card.

    Raises:
        ModelError: size or sha256 differ.
    """
    if card.file is None:
        return
    size = path.stat().st_size
    if size != card.size_bytes:
        raise ModelError(f"{path} has {size} bytes, the card of {card.name} says {card.size_bytes}: get it again")
    found = sha256_of(path)
    if found != card.sha256:
        raise ModelError(f"{path} has sha256 {found}, the card of {card.name} says {card.sha256}: get it again")


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def add(file: Path, card_path: Path) -> Card:
    """Keep a user's model: file and card are checked and copied into the user's data folder.

    Raises:
        ModelError: the card is damaged, its name is taken, the file is missing or not the card's, or the folder cannot
            be written.
    """
    card = read_card(card_path)
    if card.file is None:
        raise ModelError(f"card {card_path}: file: a model that is added needs a file")
    if (CARDS / f"{card.name}.json").exists() or card.name in (AUTO, BASELINE):
        raise ModelError(f"card {card_path}: name: {card.name!r} is a model of the catalogue; choose another name")
    if not file.is_file():
        raise ModelError(f"no such file: {file}")
    verify(card, file)
    folder = user_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / card.file)
        shutil.copyfile(card_path, folder / f"{card.name}.card.json")
    except OSError as error:
        raise ModelError(f"cannot keep the model in {folder}: {error.strerror}") from error
    return card


def missing(card: Card) -> str:
    """What to tell when the file of a card is in none of the folders."""
    looked = ", ".join(str(folder) for folder in dict.fromkeys(folders()) if folder != PACKAGE)
    return (
        f"model {card.name}: the file {card.file} is not here (looked in {looked}). "
        f"Get it: {card.where_to_get or card.source}; sha256 {card.sha256}. "
        f"Put it into one of these folders, or set PERDURE_MODELS."
    )


def _require(card: Card) -> Path:
    path = locate(card)
    if path is None:
        raise ModelError(missing(card))
    return path


def _offer(known: tuple[Card, ...], task: Task | None) -> str:
    names = dict.fromkeys(card.name for card in known if task is None or card.task == task)
    return f"known: {', '.join(names)}"


def _near(wanted: str, names: list[str]) -> list[str]:
    """Names that contain it, else those that begin much like it: long names are cut short more often than misspelt."""
    close = {name: difflib.SequenceMatcher(None, wanted, name[: len(wanted)]).ratio() for name in names}
    likely = sorted((name for name in close if close[name] >= 0.6), key=lambda name: -close[name])
    return [name for name in names if wanted in name] or likely[:4]


def _of_file(path: Path, known: tuple[Card, ...]) -> tuple[Card, Path]:
    """The card of an ONNX file, and the file."""
    card = card_of(path, known)
    if card is None:
        raise ModelError(
            f"{path} has no card, so nobody knows its input and output: write {path.stem}.card.json beside it "
            f"(docs/models.md), or add both with `perdure models add`"
        )
    return card, path


def card_of(path: Path, known: tuple[Card, ...] | None = None) -> Card | None:
    """The card of an ONNX file: beside it, or that of a known model with the same content; None where it has none.

    Raises:
        ModelError: there is no such file, or the card beside it is damaged.
    """
    if not path.is_file():
        raise ModelError(f"no such model file: {path}")
    for beside in (path.with_name(f"{path.stem}.card.json"), path.with_suffix(".json")):
        if beside.is_file():
            return read_card(beside)
    size = path.stat().st_size
    alike = [card for card in (cards() if known is None else known) if card.size_bytes == size]
    digest = sha256_of(path) if alike else ""
    return next((card for card in alike if card.sha256 == digest), None)
