"""Any Gymnasium environment as a `BatchEnv`: N of them, stepped one after the other in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from autoreward.envs.contract import Array
from autoreward.envs.fields import FieldReader, Raw, Source, shaped
from autoreward.envs.stepping import Bools, Floats, SteppedEnv
from autoreward.errors import UserError
from autoreward.schema import EnvSchema


class GymBatchEnv(SteppedEnv):
    """N Gymnasium environments in a loop, with autoreset disabled.

    Holding them directly is as fast as `SyncVectorEnv` and keeps masked resets and `info` simple. The step limit is
    counted here, so the environments themselves need no `TimeLimit`.

    Args:
        make: builds one environment.
        num_envs: N.
        schema: fields and where they come from; its `step_limit` truncates.
    """

    together = False

    def __init__(self, make: Callable[[], gymnasium.Env[Any, Any]], num_envs: int, schema: EnvSchema) -> None:
        self._envs = [make() for _ in range(num_envs)]
        first = self._envs[0]
        self.spec, self.render_mode = first.spec, first.render_mode
        self._space = first.observation_space
        self._plain = isinstance(self._space, spaces.Box) and len(self._space.shape) == 1
        super().__init__(num_envs, schema, flat_observation_space(self._space), flat_action_space(first.action_space))
        self._to_action = _action_converter(first.action_space)
        self._readers = [FieldReader(env, schema) for env in self._envs]
        self._raw: list[Any] = [None] * num_envs
        self._infos: list[dict[str, Any]] = [{} for _ in range(num_envs)]

    def _begin(self, rows: list[int], seeds: Sequence[int | None], options: dict[str, Any] | None) -> None:
        for row, seed in zip(rows, seeds, strict=True):
            self._keep(row, *self._envs[row].reset(seed=seed, options=options))

    def _advance(self, actions: Array) -> tuple[Floats, Bools, Bools]:
        rewards = np.zeros(self.num_envs, dtype=np.float64)
        terminated = np.zeros(self.num_envs, dtype=np.bool_)
        truncated = np.zeros(self.num_envs, dtype=np.bool_)
        for row, env in enumerate(self._envs):
            obs, reward, ended, cut, info = env.step(self._to_action(actions[row]))
            rewards[row], terminated[row], truncated[row] = reward, ended, cut
            self._keep(row, obs, info)
        return rewards, terminated, truncated

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        """See `BatchEnv.read`. Each path is gathered once, however many fields come from it."""
        gathered: dict[str, Array] = {}
        result = {}
        for name in names:
            field, source = self._readers[0].field(name)
            if source.path not in gathered:
                gathered[source.path] = self._gather(source, field.name)
            result[name] = shaped(gathered[source.path], field, source)
        return result

    def action_mask(self) -> Bools | None:
        """See `BatchEnv.action_mask`: `info["action_mask"]` of every environment."""
        if "action_mask" not in self._infos[0]:
            return None
        return np.stack([np.asarray(info["action_mask"], dtype=np.bool_) for info in self._infos])

    def _gather(self, source: Source, name: str) -> Array:
        if source.path == "obs" and self._plain:
            return self._obs
        field, _ = self._readers[0].field(name)
        getters = [reader.getter(source.path, field) for reader in self._readers]
        first = np.asarray(getters[0](self._raw[0], self._infos[0]))
        values = np.empty((self.num_envs, *first.shape), dtype=first.dtype)
        for row, get in enumerate(getters):
            try:
                values[row] = get(self._raw[row], self._infos[row])
            except ValueError:
                raise UserError(f"field {name}: {field.source} changes its shape from episode to episode") from None
        return values

    def _keep(self, row: int, obs: Raw, info: dict[str, Any]) -> None:
        self._raw[row], self._infos[row] = obs, info
        flat: Raw = obs if self._plain else spaces.flatten(self._space, obs)
        self._obs[row] = flat

    def render_frame(self) -> NDArray[np.uint8]:
        """See `BatchEnv.render_frame`."""
        return draw(self._envs[0], self.schema.env_id)

    def close_extras(self, **kwargs: object) -> None:
        """Close every environment."""
        for env in self._envs:
            env.close()


def draw(env: gymnasium.Env[Any, Any], env_id: str) -> NDArray[np.uint8]:
    """A picture [H, W, 3] of one environment as it is now.

    Raises:
        UserError: it has no renderer on this machine; the message says what is missing.
    """
    base: Any = env.unwrapped
    if "rgb_array" not in base.metadata.get("render_modes", ()):
        raise UserError(f"{env_id} cannot draw pictures (it has no render mode rgb_array)")
    base.render_mode = "rgb_array"
    try:
        _follow(base)
        frame = base.render()
    except Exception as error:  # whatever OpenGL, pygame or the environment raises: there is no picture
        raise UserError(f"{env_id} cannot be drawn here: {error}") from None
    if not isinstance(frame, np.ndarray) or frame.ndim != 3:
        raise UserError(f"{env_id} gave no picture")
    return np.asarray(frame[..., :3], dtype=np.uint8)


def _follow(base: Any) -> None:  # noqa: ANN401 - any environment
    """Have a MuJoCo robot of Gymnasium's drawn by its camera `track`.

    Gymnasium 1.4 draws with a free camera, which `trackbodyid` does not move: whatever walks leaves the picture.
    """
    renderer: Any = getattr(base, "mujoco_renderer", None)
    if getattr(renderer, "camera_id", None) == -1:
        cameras = [base.model.camera(number).name for number in range(base.model.ncam)]
        renderer.camera_id = cameras.index("track") if "track" in cameras else -1


def flat_observation_space(space: spaces.Space[Any]) -> spaces.Box:
    """The flattened observation space, float32.

    Raises:
        UserError: it cannot be flattened into a fixed number of values.
    """
    if not space.is_np_flattenable:
        raise UserError(f"observations of kind {type(space).__name__} cannot be flattened for the policy")
    flat = spaces.flatten_space(space)
    if not isinstance(flat, spaces.Box):
        raise UserError(f"observations of kind {type(space).__name__} cannot be flattened for the policy")
    return spaces.Box(flat.low.astype(np.float32), flat.high.astype(np.float32), dtype=np.float32)


def flat_action_space(space: spaces.Space[Any]) -> spaces.Box | spaces.Discrete:
    """What the policy chooses from: [A] float32, or a number from 0.

    Raises:
        UserError: the policies cannot choose from it.
    """
    if isinstance(space, spaces.Discrete):
        return spaces.Discrete(int(space.n))
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating):
        low, high = (bound.astype(np.float32).reshape(-1) for bound in (space.low, space.high))
        return spaces.Box(low, high, dtype=np.float32)
    raise UserError(f"actions of kind {type(space).__name__} are not supported; Box of numbers and Discrete are")


def _action_converter(space: spaces.Space[Any]) -> Callable[[Any], Any]:
    if isinstance(space, spaces.Discrete):
        start = int(space.start)
        return lambda action: int(action) + start
    if len(space.shape or ()) == 1:
        return lambda action: action
    shape = space.shape
    return lambda action: np.reshape(action, shape)
