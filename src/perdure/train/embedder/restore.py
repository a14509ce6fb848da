"""Back from kept weights, or from the file that ships, to a network that can be trained further."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from perdure.errors import InputError

if TYPE_CHECKING:
    from perdure.train.embedder.nets import BodyNet

HALF, BYTES, SCALES = ".half", ".bytes", ".scales"  # endings of names in a file: how their numbers are kept


def put_weights(net: BodyNet, path: Path, pictures: Tensor) -> None:
    """Kept weights (`-<phase>.pt`) or a shipped file (`.onnx`) into a network of the same shape, in place.

    Args:
        net: the network.
        path: the file.
        pictures: (B, 3, H, W) float32 BGR 0..255, as the network will see them; a shipped file has lost its
            normalisation layers, and what they expect is measured on these.

    Raises:
        InputError: there is no such file, or it is of another network.
    """
    if path.suffix == ".onnx":
        load_shipped(net, path, pictures)
    else:
        load_weights(net, path)


def load_weights(net: BodyNet, path: Path) -> None:
    """Put the weights that a run kept (`-<phase>.pt`) into a network of the same shape, or one with more blocks.

    Blocks that the weights do not know stay as they begin, which is as the identity: the network computes what the
    smaller one computes ("Net2DeeperNet", Chen et al. 2016, arXiv:1511.05641).

    Raises:
        InputError: there is no such file, or it is of another network.
    """
    try:
        state = torch.load(path, weights_only=True)
        if net.shape.instance:  # also from weights whose first normalisation went over the batch
            state = {name: value for name, value in state.items() if name in net.state_dict() or "stem" not in name}
        added = _added(net, state)
        kept = {name: value for name, value in net.state_dict().items() if name.startswith(added)} if added else {}
        net.load_state_dict(kept | state)
    except OSError as error:
        raise InputError(f"cannot read the weights {path} to start from: {error.strerror}") from error
    except (RuntimeError, TypeError, UnpicklingError) as error:
        raise InputError(f"{path} holds no weights of this network: give the `net` it was trained with") from error


def load_shipped(net: BodyNet, path: Path, pictures: Tensor) -> None:
    """Put the weights of an exported ONNX file into `net`, in place: it then computes what the file computes.

    The export folded the normalisation layers into the layers before them. Here they come back: the mean and variance
    that each now has to expect are measured on `pictures`, and its gain and offset undo them, so that in evaluation
    nothing changes and in training the batch is normalised as it was.

    Args:
        net: a network of the shape that was exported, or one with more blocks, as in `load_weights`.
        path: what `export_onnx` wrote.
        pictures: (B, 3, H, W) float32 BGR 0..255, as the network will see them in training.

    Raises:
        InputError: the file cannot be read, or is of another network.
    """
    kept = _tensors(path)
    shapes = {name: value.shape for name, value in net.state_dict().items()}
    biases: dict[str, Tensor] = {}
    state: dict[str, Tensor] = {}
    for name, value in kept.items():
        if name not in shapes:
            biases[name] = value  # of a normalisation that was folded in
        else:
            folded_average = value.ndim == 4 and value.shape[2:] == (2, 2) and shapes[name][2:] == (1, 1)
            state[name] = value.sum((2, 3), keepdim=True) if folded_average else value
    try:
        net.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise InputError(f"{path} holds another network: give the `net` it was trained with") from error
    added = _added(net, state)
    norms = {layer: norm for layer, norm in _norms(net).items() if not (added and layer.startswith(added))}
    _set_offsets(norms, biases, path)
    net.eval()
    expect(list(norms.values()), lambda: net(pictures))


def _added(net: BodyNet, state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Beginnings of the names in those blocks of `net` that `state` knows nothing of and that begin as the identity."""
    from perdure.train.embedder.nets import Block

    known = set(state)
    return tuple(
        f"{name}."
        for name, module in net.named_modules()
        if isinstance(module, Block) and module.keeps_shape and not any(k.startswith(f"{name}.") for k in known)
    )


def _tensors(path: Path) -> dict[str, Tensor]:
    """The named weights of a file, as float32."""
    try:
        model = onnx.load(str(path))
    except Exception as error:  # onnx raises protobuf's own errors
        raise InputError(f"{path} is not an ONNX file that can be read: {error}") from error
    kept = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer if t.name.startswith("net.")}
    found = {}
    for name, numbers in kept.items():
        whole = name.removeprefix("net.").removesuffix(HALF).removesuffix(BYTES)
        if name.endswith(BYTES):
            numbers = numbers * kept[name.removesuffix(BYTES) + SCALES]
        if not name.endswith(SCALES):
            found[whole] = torch.from_numpy(numbers.astype(np.float32))
    if not found:
        raise InputError(f"{path} was not written by this training: it has no weights by name")
    return found


def _norms(net: BodyNet) -> dict[str, nn.Module]:
    """The normalisation behind each layer, by the layer's name."""
    behind: dict[str, nn.Module] = {"project": net.neck}
    before = ""
    for name, module in net.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            before = name
        elif isinstance(module, nn.BatchNorm2d):
            behind[before] = module
    return behind


def expect(norms: Sequence[nn.Module], run: Callable[[], object]) -> None:
    """Let normalisation layers expect what they get, while they only add their offsets.

    Those that go over each picture cannot leave it as it is; they give back the mean and the spread that pictures have.

    Args:
        norms: normalisation layers whose offsets are set.
        run: computes what passes through them.
    """
    seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def note(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        flat = given[0].transpose(0, 1).flatten(1)
        seen[norm] = flat.mean(1), flat.var(1)

    def give_back(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.InstanceNorm2d)
        norm.weight.copy_(given[0].var((2, 3)).mean(0).sqrt())
        norm.bias.add_(given[0].mean((0, 2, 3)))

    over_pictures = [norm for norm in norms if isinstance(norm, nn.InstanceNorm2d)]
    norms = [norm for norm in norms if not isinstance(norm, nn.InstanceNorm2d)]
    for norm in norms:
        assert isinstance(norm, nn.modules.batchnorm._BatchNorm)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.eval()
        norm.running_mean.zero_()
        norm.running_var.fill_(1.0 - norm.eps)
        nn.init.ones_(norm.weight)
    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    hooks += [norm.register_forward_pre_hook(give_back) for norm in over_pictures]
    with torch.no_grad():
        run()
        for hook in hooks:
            hook.remove()
        for norm in norms:
            assert isinstance(norm, nn.modules.batchnorm._BatchNorm)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            mean, variance = seen[norm]
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.bias.add_(mean)


def _set_offsets(norms: Mapping[str, nn.Module], biases: dict[str, Tensor], path: Path) -> None:
    """Give each normalisation the offset that was folded into the layer before it."""
    if {name.removesuffix(".bias") for name in biases} != set(norms):
        raise InputError(f"{path} holds another network: give the `net` it was trained with")
    with torch.no_grad():
        for layer, norm in norms.items():
            norm.bias.copy_(biases[f"{layer}.bias"])  # type: ignore[operator]
