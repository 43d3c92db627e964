"""A trained policy in NumPy only: what the evaluator and exported packages act with, kept as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from autoreward.errors import UserError
from autoreward.records import write_bytes

FORMAT = "autoreward-policy-1"
FORMAT_2 = "autoreward-policy-2"
"""Of policies with an activation or a squashed output, which readers of the first format would act wrongly with."""
EPSILON = 1e-8
"""Added to a variance before its root is divided by, here and in every trainer."""

Array = NDArray[Any]
Kind = Literal["continuous", "discrete"]
Activation = Literal["tanh", "relu"]


def action_bounds(space: gymnasium.Space[Any]) -> tuple[Kind, NDArray[np.float32], NDArray[np.float32]]:
    """Kind, low and high of a `Policy` that chooses from a flat space."""
    if isinstance(space, gymnasium.spaces.Box):
        return "continuous", space.low.astype(np.float32), space.high.astype(np.float32)
    assert isinstance(space, gymnasium.spaces.Discrete)
    return "discrete", np.zeros(1, dtype=np.float32), np.full(1, space.n - 1, dtype=np.float32)


@dataclass(frozen=True)
class Layer:
    """One linear layer, `x @ weight.T + bias`."""

    weight: NDArray[np.float32]
    """[out, in]."""
    bias: NDArray[np.float32]
    """[out]."""


@dataclass(frozen=True)
class Policy:
    """Normalised observation -> hidden layers -> mean action (clipped or squashed to its bounds) or the best choice."""

    layers: tuple[Layer, ...]
    """Hidden layers and the action layer, in order."""
    mean: NDArray[np.float64]
    """[D], running mean of the observations."""
    variance: NDArray[np.float64]
    """[D]."""
    clip: float
    """Normalised observations are clipped to [-clip, clip]."""
    kind: Kind
    low: NDArray[np.float32]
    """[A], bounds of continuous actions (possibly infinite); [0] and [choices - 1] for discrete ones."""
    high: NDArray[np.float32]
    activation: Activation = "tanh"
    """Of the hidden layers."""
    squash: bool = False
    """Whether continuous actions are the output's tanh, scaled to their bounds (SAC, TD3), instead of clipped."""

    def act(
        self, obs: Array, mask: NDArray[np.bool_] | None = None, random: np.random.Generator | None = None
    ) -> Array:
        """The best actions, or discrete ones drawn by their probabilities.

        Args:
            obs: [N, D], not normalised.
            mask: [N, choices], the discrete actions that are allowed; None: all of them.
            random: draws discrete actions; None: the best ones. Continuous actions are always the mean.

        Returns:
            [N, A] float32, or [N] int64 for discrete actions.
        """
        normalised = (np.asarray(obs, dtype=np.float64) - self.mean) / np.sqrt(self.variance + EPSILON)
        hidden: Array = np.minimum(np.maximum(normalised, -self.clip), self.clip).astype(np.float32)
        output: Array
        for layer in self.layers[:-1]:
            output = hidden @ layer.weight.T + layer.bias
            hidden = np.tanh(output) if self.activation == "tanh" else np.maximum(output, 0.0)
        output = hidden @ self.layers[-1].weight.T + self.layers[-1].bias
        if self.kind == "discrete":
            allowed = output if mask is None else np.where(mask, output, -np.inf)
            if random is not None:  # the largest of logits plus Gumbel noise is a draw from their distribution
                allowed = allowed + random.gumbel(size=allowed.shape)
            return np.asarray(allowed.argmax(axis=-1), dtype=np.int64)
        if self.squash:
            output = self.low + 0.5 * (np.tanh(output) + 1.0) * (self.high - self.low)
        # np.clip gives the same and takes ten times as long for the few rows of an evaluation.
        return np.minimum(np.maximum(output, self.low), self.high).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write it atomically as safetensors, with format, clip, kind, activation and squash in the header."""
        write_bytes(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The bytes of its file."""
        tensors: dict[str, Array] = {"mean": self.mean, "variance": self.variance, "low": self.low, "high": self.high}
        for index, layer in enumerate(self.layers):
            tensors[f"layer.{index}.weight"] = layer.weight
            tensors[f"layer.{index}.bias"] = layer.bias
        header: dict[str, Any] = {"format": FORMAT, "kind": self.kind, "clip": repr(self.clip)}
        header["layers"] = str(len(self.layers))
        if self.activation != "tanh" or self.squash:
            header |= {"format": FORMAT_2, "activation": self.activation, "squash": self.squash}
        contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
        return save(contiguous, metadata={"policy": json.dumps(header)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Policy:
        """Read what `to_bytes` gave."""
        length = int.from_bytes(data[:8], "little")
        header = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["policy"])
        return cls._from_tensors(header, load(data))

    @classmethod
    def load(cls, path: Path) -> Policy:
        """Read a policy back.

        Raises:
            UserError: the file is missing, or is no policy.
        """
        try:
            with safe_open(str(path), framework="numpy") as file:
                header = json.loads((file.metadata() or {}).get("policy", "{}"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        except FileNotFoundError:
            raise UserError(f"policy {path} does not exist") from None
        except (OSError, SafetensorError, ValueError) as error:
            raise UserError(f"policy {path} does not read as safetensors: {error}") from None
        if header.get("format") not in (FORMAT, FORMAT_2):
            raise UserError(f"policy {path} is not one that autoreward wrote (expected format {FORMAT})")
        return cls._from_tensors(header, tensors)

    @classmethod
    def _from_tensors(cls, header: Mapping[str, Any], tensors: Mapping[str, Array]) -> Policy:
        return cls(
            layers=tuple(
                Layer(tensors[f"layer.{index}.weight"], tensors[f"layer.{index}.bias"])
                for index in range(int(header["layers"]))
            ),
            mean=tensors["mean"],
            variance=tensors["variance"],
            clip=float(header["clip"]),
            kind=header["kind"],
            low=tensors["low"],
            high=tensors["high"],
            activation=header.get("activation", "tanh"),
            squash=bool(header.get("squash", False)),
        )
