"""The novel behaviours: back flip, lying down, waving a leg, running backward. Signs, heights, rules and references."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from single import Single

from autoreward.critic.verify import verify
from autoreward.envs.episodes import EpisodeJudge
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe, make_env
from autoreward.language.expressions import Expression
from autoreward.sandbox.process import ProcessCell
from autoreward.task import load_task

NAMES = ["hopper_back_flip", "half_cheetah/run_backward", "ant_lie_down", "ant_lie_down/wave_leg"]
MOTOR_OF = [2, 3, 4, 5, 6, 7, 0, 1]
"""The ant's motor of each joint, in the order of `joint_angles`."""
THREE_LEGS = np.array([0, 0.53, -0.5, -1.2, 0, -0.9, 0.5, 1.2])
"""The ant's joint angles on three legs: the neighbours of the raised leg lean towards it."""


def holds(robot: Single, name: str, expression: str) -> bool:
    """Whether an expression of the task is true in the robot's present state."""
    task = load_task(name)
    parsed = Expression(expression, describe(task.env).names)
    return bool(parsed.evaluate({field: robot[field][None] for field in parsed.fields})[0])


def servo(robot: Single, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Torques [8] that hold the ant's joints at `target` [8]."""
    torques = np.empty(8)
    torques[MOTOR_OF] = 2.0 * (target - robot["joint_angles"]) - 0.2 * robot["joint_velocities"]
    return np.clip(torques, -1.0, 1.0)


def on_three_legs(robot: Single, offset: Callable[[int], tuple[float, float]], steps: int) -> list[bool]:
    """Success in each step while the raised leg's hip and ankle are `offset(step)` away from their place."""
    task, said = load_task("ant_lie_down/wave_leg"), list[bool]()
    for step in range(steps):
        target = THREE_LEGS.copy()
        target[:2] += offset(step)
        robot.act(servo(robot, target))
        said.append(holds(robot, task.name, task.success.expression))
    return said


@pytest.mark.parametrize("name", NAMES)
def test_standing_still_does_not_do_it(name: str) -> None:
    task = load_task(name)
    env = make_env(task.env, 4)
    judge = EpisodeJudge(task, env.schema, 4)
    env.reset(seed=0)
    start = Expression(task.success.expression, env.schema.names)
    assert not start.evaluate(env.read(start.fields)).any()
    at_rest = np.zeros((4, *env.schema.action.shape), np.float32)
    for _ in range(env.schema.step_limit):
        env.step(at_rest)
        judge.step(env.read(judge.fields))
    assert not judge.finish(np.ones(4, np.bool_)).success.any()
    env.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_passes_every_check_in_the_cell(name: str) -> None:
    task = load_task(name)
    assert task.reference is not None
    schema = describe(task.env)
    verdict = verify(task.reference, schema, "terms", record_transitions(task, 0, steps=64, num_envs=7), ProcessCell)
    assert verdict.status == "accepted", verdict.reason


def test_backward_is_over_the_back_of_the_head() -> None:
    robot = Single("hopper_back_flip")
    for angle in (0.5, 1.5):
        robot.place(np.array([0, 1.25, -angle, 0, 0, 0]), np.array([0, 0, -2.0, 0, 0, 0]))
        assert robot["pitch_backward"] == pytest.approx(angle)
        assert robot["pitch_velocity"] == pytest.approx(2.0)
        # The torso's own up axis leans to -x, and the feet swing to +x.
        axes = robot.base.data.body("torso").xmat.reshape(3, 3)
        assert axes[0, 2] == pytest.approx(-np.sin(angle))
        assert robot["foot_position"][0] > 0.3
        assert robot["upright"] == pytest.approx(np.cos(angle), abs=1e-6)
    robot.place(np.array([0, 1.25, -2 * np.pi, 0, 0, 0]))
    task = load_task("hopper_back_flip")
    assert holds(robot, "hopper_back_flip", task.success.expression)
    assert not holds(robot, "hopper_back_flip", task.outcomes["overturned"])
    robot.place(np.array([0, 1.25, 2 * np.pi, 0, 0, 0]))
    assert not holds(robot, "hopper_back_flip", task.success.expression), "a front flip is none"
    assert holds(robot, "hopper_back_flip", task.outcomes["turned_forward"])


def test_backward_running_is_towards_the_tail() -> None:
    task = load_task("half_cheetah/run_backward")
    robot = Single(task.name)
    robot.place(np.array([-101.0, *np.zeros(8)]), np.array([-3.0, *np.zeros(8)]))
    assert robot["forward_velocity"] == pytest.approx(-3.0)
    assert holds(robot, task.name, task.success.expression)
    robot.place(np.array([101.0, *np.zeros(8)]))
    assert not holds(robot, task.name, task.success.expression)
    assert holds(robot, task.name, task.outcomes["went_forward"])
    model = robot.base.model
    head = model.geom_pos[model.geom("head").id]
    assert head[0] > 0.5, "the head is at the +x end, so the tail goes first"


def test_the_ant_lies_on_its_back_and_stands_on_its_feet_where_the_rule_says_so() -> None:
    task = load_task("ant_lie_down")
    for roll, lies in ((np.pi, True), (0.0, False)):
        robot = Single(task.name)
        legs = [0, 0.55, 0, -0.55, 0, -0.55, 0, 0.55]
        robot.place(np.array([0, 0, 0.6, np.cos(roll / 2), np.sin(roll / 2), 0, 0, *legs]))
        assert robot["upright"] == pytest.approx(np.cos(roll))
        robot.act(np.zeros(8), 100)
        assert holds(robot, task.name, task.success.expression) == lies
        assert holds(robot, task.name, task.outcomes["on_back"]) == lies
        assert (robot["height"] < 0.3) == lies
        assert not holds(robot, task.name, task.outcomes["moving"])
        robot.act(np.full(8, 0.9))
        assert not holds(robot, task.name, task.success.expression), "kicking is not lying still"


def test_the_ants_shins_and_joints_are_the_ones_they_are_named_after() -> None:
    robot = Single("ant_lie_down").put()
    corners = {"front_left": (1, 1), "back_left": (-1, 1), "back_right": (-1, -1), "front_right": (1, -1)}
    for leg, (name, corner) in enumerate(corners.items()):
        assert (np.sign(robot[f"{name}_shin"][:2]) == corner).all()
        down = 1.2 if leg in (0, 3) else -1.2
        bent = Single("ant_lie_down").put(**{f"ankle_{leg + 1}": down})
        assert bent["joint_angles"][2 * leg + 1] == pytest.approx(down)
        assert bent[f"{name}_shin"][2] < robot[f"{name}_shin"][2] - 0.1
    for joint, motor in enumerate(MOTOR_OF):
        assert Single("ant_lie_down").put().motor(motor).torques(6) == {joint: 150}


def test_a_shin_above_0_36_has_its_foot_off_the_floor() -> None:
    robot = Single("ant_lie_down").put()
    model, data = robot.base.model, robot.base.data
    shin = model.geom("left_ankle_geom")
    radius, half = model.geom_size[shin.id, :2]
    assert radius + half == pytest.approx(0.363, abs=1e-3), "upright on its foot, a shin's middle is as high as this"
    robot.act(np.zeros(8), 100)
    assert 0.22 < robot["front_left_shin"][2] < 0.36
    assert data.geom("left_ankle_geom").xpos[2] == pytest.approx(robot["front_left_shin"][2], abs=1e-6)


def test_circles_with_the_raised_leg_are_waving_and_holding_it_up_is_not() -> None:
    robot = Single("ant_lie_down/wave_leg")
    on_three_legs(robot, lambda step: (0.0, 0.0), 60)
    assert robot["front_left_shin"][2] > 0.42
    assert robot["upright"] > 0.9
    assert not any(on_three_legs(robot, lambda step: (0.0, 0.0), 20)), "held up, but not moving"
    circling = on_three_legs(robot, lambda step: (0.4 * np.sin(0.45 * step), 0.25 - 0.25 * np.cos(0.45 * step)), 60)
    assert sum(circling) > 30, "circles count in most steps, also under so coarse a controller"
    robot.place(np.array([0, 0, 0.6, 0, 1, 0, 0, *THREE_LEGS]), np.full(14, 3.0))
    task = load_task("ant_lie_down/wave_leg")
    assert not holds(robot, task.name, task.success.expression), "on its back nothing counts"
