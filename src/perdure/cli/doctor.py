"""``perdure doctor``: is this machine fit, and how many cameras does it carry?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.nodes.budget import Need
    from perdure.nodes.doctor import Finding

MARKS = {"good": "[green]ok[/]", "weak": "[yellow]weak[/]", "bad": "[red]BAD[/]"}


def doctor(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=]SOURCE...", help="With --budget: footage like yours.", show_default=False),
    ] = None,
    budget: Annotated[
        bool, typer.Option("--budget", help="Measure how many cameras like these this machine carries.")
    ] = False,
    seconds: Annotated[float, typer.Option(min=1.0, help="With --budget: at most so much of each.")] = 30.0,
    config: Annotated[Path | None, typer.Option(help="perdure.yaml; its cameras are added.")] = None,
    detector: Annotated[str | None, typer.Option(help="Name in the catalogue, or an ONNX file with a card.")] = None,
    embedder: Annotated[str | None, typer.Option(help="Name in the catalogue, or an ONNX file with a card.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    out: Annotated[Path, typer.Option(help="Where runs will be written: its disk is looked at.")] = Path("run"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check versions, codecs, models and what really runs; with --budget, how many cameras the machine carries.

    The exit code is 1 where something is bad.
    """
    from perdure.cli.run import settle
    from perdure.config import parse
    from perdure.errors import ConfigError

    if budget:
        settings = settle(sources or [], config, detector, embedder, device, None)
        _budget(settings, seconds, as_json=as_json)
        return
    if sources:
        raise ConfigError("doctor looks at SOURCEs with --budget only: perdure doctor --budget SOURCE...")
    chosen = {"detection": {"model": detector}, "embedding": {"model": embedder}}
    content: dict[str, object] = {section: value for section, value in chosen.items() if value["model"] is not None}
    if device is not None:
        content["device"] = device
    _examine(parse(content, "command line"), out, as_json=as_json)


def _examine(settings: Config, out: Path, *, as_json: bool) -> None:
    from rich.console import Console

    from perdure.nodes.doctor import examine

    findings: list[Finding] = []
    for finding in examine(settings, out):
        findings.append(finding)
        if not as_json:
            Console().print(f"{finding.name:12} {MARKS[finding.state]}  {finding.text}", soft_wrap=True)
    if as_json:
        import json
        from dataclasses import asdict

        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)


def _budget(settings: Config, seconds: float, *, as_json: bool) -> None:
    from perdure.nodes.budget import cores, measure

    needs = list(measure(settings, seconds))
    if as_json:
        import json

        typer.echo(json.dumps({"cores": cores(), "cameras": [plain(need, cores()) for need in needs]}, indent=1))
    else:
        _tell(needs, cores())


def plain(need: Need, machine_cores: int) -> dict[str, object]:
    """One camera's need as plain data."""
    return {
        "name": need.camera,
        "source": need.source,
        "width": need.width,
        "height": need.height,
        "fps": round(need.frames / need.footage_s, 2),
        "footage_s": round(need.footage_s, 2),
        "decoded_share": round(need.decoded / need.frames, 3),
        "looks_per_s": round(need.looks / need.footage_s, 2),
        "cores": round(need.cores, 4),
        "stages_ms_per_s": {name: round(1e3 * s / need.footage_s, 2) for name, s in need.stages_s.items()},
        "memory_mb": round(need.memory_mb, 1),
        "carried": need.carried(machine_cores),
    }


def _tell(needs: list[Need], machine_cores: int) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    told = [plain(need, machine_cores) for need in needs]
    table = Table("", *(need.camera for need in needs))
    table.add_row(
        "picture", *(f"{need.width}x{need.height}, {t['fps']}/s" for need, t in zip(needs, told, strict=True))
    )
    table.add_row("decoded", *(f"{need.decoded / need.frames:.0%}" for need in needs))
    table.add_row("looks a second", *(str(t["looks_per_s"]) for t in told))
    for stage in dict.fromkeys(name for need in needs for name in need.stages_s):
        times = (1e3 * need.stages_s.get(stage, 0.0) / need.footage_s for need in needs)
        table.add_row(f"{stage}, ms", *(f"{time:.1f}" for time in times))
    table.add_row("cores", *(f"{need.cores:.3f}" for need in needs))
    table.add_row("memory, MB", *(f"{need.memory_mb:.0f}" for need in needs))
    table.add_row("[bold]carried[/]", *(f"[bold]{t['carried']}[/]" for t in told))
    console.print(table)
    console.print(
        f"ms: processor time per second of footage, by stage. carried: cameras like this one on the {machine_cores} "
        f"{'core' if machine_cores == 1 else 'cores'} of this machine, with room to breathe.",
        soft_wrap=True,
    )
    together = sum(need.cores for need in needs)
    if len(needs) > 1:
        console.print(f"All together need {together:.2f} of {machine_cores} cores.")
