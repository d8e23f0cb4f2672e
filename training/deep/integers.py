"""Quantizes a network that was trained in float32 to the small integers of classifier/_deep.c."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classifier.deep.kernel import CHANNELS, COLUMNS, DENSE, FEATURES, MOST_WEIGHT, ORDERS, QUAD, SENTENCE, ZERO
from training.deep.network import DeepNetwork, PieceBatch

Floats = NDArray[np.float32]
# The exponent that splits a channel's range between its activations and its weights, and the smallest range used.
_SHARED, _LEAST_OF_LARGEST = 0.5, 0.01
# Texts in one forward pass.
_TOGETHER = 64
# Bytes on either side of ZERO.
_MOST_BYTE = 127


def arrays_of(weights: Mapping[str, Floats], largest: Mapping[str, Floats]) -> dict[str, NDArray[Any]]:
    """The arrays of classifier.deep.kernel.

    `weights`: the state of training.deep.network.DeepNetwork by name. `largest`: for "first" and "second" the largest
    inputs of each branch, (3, CHANNELS); larger inputs are clipped.
    """
    project = np.concatenate([_of(weights, branch, "project.weight") for branch in range(len(ORDERS))]).T
    codes, scale = _rounded(project, MOST_WEIGHT)
    found: dict[str, NDArray[Any]] = {
        "project": packed(codes),
        "project_zero": (15 * codes.astype(np.int32).sum(axis=0)).astype(np.int32),
        "project_scale": scale,
        "project_bias": _joined(weights, "project.bias"),
        "gain": _joined(weights, "norm.weight"),
        "shift": _joined(weights, "norm.bias"),
        "per_step": np.stack([1 / _steps(largest[name]).ravel() for name in ("first", "second")]).astype(np.float32),
        "last_gain": weights["encoder.norm.weight"],
        "last_shift": weights["encoder.norm.bias"],
        "said_bias": weights["head.sentence.bias"],
        "hidden_bias": weights["head.hidden.bias"],
        "output": np.ascontiguousarray(weights["head.output.weight"].T),
        "output_bias": weights["head.output.bias"],
    }
    for at, name in enumerate(("first", "second")):
        steps = 1 / found["per_step"][at].reshape(len(ORDERS), CHANNELS)
        layers = [
            _rounded(_of(weights, branch, f"{name}.weight").T * np.tile(steps[branch], order)[:, None], MOST_WEIGHT)
            for branch, order in enumerate(ORDERS)
        ]
        found[name] = np.concatenate([packed(codes) for codes, _ in layers])
        found[f"{name}_zero"] = np.stack([ZERO * codes.astype(np.int32).sum(axis=0) for codes, _ in layers])
        found[f"{name}_scale"] = np.stack([scale for _, scale in layers])
        found[f"{name}_bias"] = _joined(weights, f"{name}.bias").reshape(len(ORDERS), CHANNELS)
    for name, kernel in _dense(weights).items():
        codes, found[f"{name}_scale"] = _rounded(kernel.T, MOST_WEIGHT)
        found[name], found[f"{name}_zero"] = packed(codes), ZERO * codes.astype(np.int32).sum(axis=0)
    kinds = {np.dtype(np.float64): np.float32, np.dtype(np.int64): np.int32}
    return {
        name: np.ascontiguousarray(array, kinds.get(array.dtype, array.dtype.type)) for name, array in found.items()
    }


def weights_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
    """The inverse of `arrays_of`, except for the rounding; to continue training a published reader."""
    found: dict[str, Floats] = {
        "encoder.norm.weight": arrays["last_gain"],
        "encoder.norm.bias": arrays["last_shift"],
        "head.sentence.bias": arrays["said_bias"],
        "head.hidden.bias": arrays["hidden_bias"],
        "head.output.weight": arrays["output"].T,
        "head.output.bias": arrays["output_bias"],
    }
    project = _unpacked(arrays["project"]) * arrays["project_scale"]
    for branch, order in enumerate(ORDERS):
        here, at = f"encoder.branches.{branch}", slice(branch * CHANNELS, (branch + 1) * CHANNELS)
        found[f"{here}.project.weight"] = project[:, at].T
        for name, array in {"project.bias": "project_bias", "norm.weight": "gain", "norm.bias": "shift"}.items():
            found[f"{here}.{name}"] = arrays[array][at]
        rows = slice(sum(ORDERS[:branch]) * CHANNELS, sum(ORDERS[: branch + 1]) * CHANNELS)
        for step, name in enumerate(("first", "second")):
            layer = _unpacked(arrays[name])[rows] * arrays[f"{name}_scale"][branch]
            found[f"{here}.{name}.weight"] = (layer * np.tile(arrays["per_step"][step, at], order)[:, None]).T
            found[f"{here}.{name}.bias"] = arrays[f"{name}_bias"][branch]
    dense = {name: (_unpacked(arrays[name]) * arrays[f"{name}_scale"]).T for name in DENSE}
    found["head.sentence.weight"] = dense.pop("said")
    found["head.hidden.weight"] = np.hstack([dense.pop(f"hidden_{part}") for part in ("said", "mean", "largest")])
    found |= {f"head.{name}.weight": kernel for name, kernel in dense.items()}
    return {name: np.ascontiguousarray(array, np.float32) for name, array in found.items()}


def _steps(largest: Floats) -> Floats:
    """The activation step size of each channel (SmoothQuant: Xiao et al. 2023, arXiv 2211.10438).

    It grows with the root of the channel's range, because the channel's weights are multiplied by it and have few bits
    too.
    """
    rooted = np.maximum(largest, largest.max(axis=1, keepdims=True) * _LEAST_OF_LARGEST) ** _SHARED
    steps: Floats = rooted * (largest / rooted).max(axis=1, keepdims=True) / _MOST_BYTE
    return steps


def reach(reader: DeepNetwork, texts: Sequence[NDArray[np.int32]]) -> dict[str, Floats]:
    """The largest inputs of the layers of each branch over all these texts, for `arrays_of`."""
    found = {name: np.zeros((len(ORDERS), CHANNELS), np.float32) for name in ("first", "second")}

    def look(name: str, branch: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            here = inputs[0].abs().amax(dim=0).reshape(-1, CHANNELS).amax(dim=0).numpy()
            np.maximum(found[name][branch], here, out=found[name][branch])

        return hook

    hooks = [
        getattr(branch, name).register_forward_pre_hook(look(name, at))
        for at, branch in enumerate(reader.encoder.ordered_branches)
        for name in found
    ]
    with torch.inference_mode():
        for start in range(0, len(texts), _TOGETHER):
            reader(PieceBatch.of(texts[start : start + _TOGETHER]))
    for hook in hooks:
        hook.remove()
    return found


def packed(codes: NDArray[np.int8]) -> NDArray[np.int8]:
    """(inputs, columns) in the order in which a model stores weights (classifier/deep/kernel.py)."""
    inputs, columns = codes.shape
    return codes.reshape(inputs // QUAD, QUAD, columns // COLUMNS, COLUMNS).transpose(0, 2, 3, 1)


def logits(
    arrays: Mapping[str, NDArray[Any]], embedded: NDArray[np.float64], windows: list[tuple[int, int]]
) -> NDArray[np.float64]:
    """A slow float64 reference of the kernel: (windows, labels). `embedded`: (pieces, 512) table rows."""
    zeros = np.zeros((2, CHANNELS))
    branches = []
    for branch, order in enumerate(ORDERS):
        at = slice(branch * CHANNELS, (branch + 1) * CHANNELS)
        project = _unpacked(arrays["project"])[:, at] * arrays["project_scale"][at]
        x = _normal(embedded @ project + arrays["project_bias"][at], arrays["gain"][at], arrays["shift"][at])
        for step, name in enumerate(("first", "second")):
            rows = np.cumsum([0, *ORDERS])[branch : branch + 2] * CHANNELS
            layer = _unpacked(arrays[name])[rows[0] : rows[1]] * arrays[f"{name}_scale"][branch]
            bytes_ = np.clip(np.floor(x * arrays["per_step"][step, at] + 0.5), -ZERO, ZERO - 1)
            wide = np.concatenate([zeros, bytes_, zeros])
            before = (order - 1) // 2
            seen = np.hstack([wide[2 - before + tap : 2 - before + tap + len(x)] for tap in range(order)])
            x = np.maximum(seen @ layer + arrays[f"{name}_bias"][branch], 0) + x
        branches.append(x)
    features = _normal(np.hstack([embedded, *branches]), arrays["last_gain"], arrays["last_shift"])
    return np.stack([_judged(arrays, features[start:end]) for start, end in windows])


def _judged(arrays: Mapping[str, NDArray[Any]], features: NDArray[np.float64]) -> NDArray[np.float64]:
    def dense(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
        largest = max(float(np.abs(x).max()), 1e-12)
        rounded = np.clip(np.floor(x * (_MOST_BYTE / largest) + 0.5), -ZERO, ZERO - 1) * (largest / _MOST_BYTE)
        found: NDArray[np.float64] = rounded @ _unpacked(arrays[name]) * arrays[f"{name}_scale"]
        return found

    mean, largest = features.mean(axis=0), features.max(axis=0)
    said = (dense("said", mean) + arrays["said_bias"]) * np.sqrt(len(features))
    y0 = np.maximum(dense("d0", said), 0)
    y1 = np.maximum(dense("p1", said) + dense("d1", y0), 0)
    y2 = np.maximum(dense("d2", y1), 0)
    sentence = np.tanh(dense("p3", y1) + dense("d3", y2))
    hidden = dense("hidden_said", sentence) + dense("hidden_mean", mean) + dense("hidden_largest", largest)
    found: NDArray[np.float64] = (
        np.maximum(hidden + arrays["hidden_bias"], 0) @ arrays["output"] + arrays["output_bias"]
    )
    return found


def _dense(weights: Mapping[str, Floats]) -> dict[str, Floats]:
    """The dense layers by their names in the kernel, (columns, inputs) each."""
    said, mean, largest = np.split(weights["head.hidden.weight"], [SENTENCE, SENTENCE + FEATURES], axis=1)
    found = {name: weights[f"head.{name}.weight"] for name in ("d0", "d1", "p1", "d2", "p3", "d3")}
    of_hidden = {"hidden_said": said, "hidden_mean": mean, "hidden_largest": largest}
    return {"said": weights["head.sentence.weight"], **found, **of_hidden}


def _unpacked(array: NDArray[np.int8]) -> NDArray[np.float64]:
    quads, groups = array.shape[:2]
    return array.transpose(0, 3, 1, 2).reshape(quads * QUAD, groups * COLUMNS).astype(np.float64)


def _normal(x: NDArray[np.float64], gain: Floats, shift: Floats) -> NDArray[np.float64]:
    away = x - x.mean(axis=1, keepdims=True)
    scaled: NDArray[np.float64] = away / np.sqrt((away**2).mean(axis=1, keepdims=True) + 1e-12) * gain + shift
    return scaled


def _rounded(weights: Floats, most: int) -> tuple[NDArray[np.int8], Floats]:
    """(inputs, columns) as integers up to `most`, and the step size of each column."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-12) / most
    return np.round(weights / scale).astype(np.int8), scale.astype(np.float32)


def _of(weights: Mapping[str, Floats], branch: int, name: str) -> Floats:
    return weights[f"encoder.branches.{branch}.{name}"]


def _joined(weights: Mapping[str, Floats], name: str) -> Floats:
    return np.concatenate([_of(weights, branch, name) for branch in range(len(ORDERS))])
