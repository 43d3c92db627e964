"""Signs, indices and places are as the packs' sentences say: which way is forward, which number is which joint."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium.envs.box2d.lunar_lander import heuristic
from single import Single

from autoreward.envs.episodes import EpisodeJudge
from autoreward.envs.registry import describe
from autoreward.language.expressions import Expression
from autoreward.task import load_task


def test_ant_counts_its_legs_around_the_torso() -> None:
    ant = Single("ant").put()
    corners = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    for leg, (x, y) in enumerate(corners, start=1):
        position = ant[f"lower_leg_{leg}_position"] - ant["torso_position"]
        assert (np.sign(position[:2]) == (x, y)).all()
        # A positive hip turns the leg counter-clockwise about the torso.
        turned = Single("ant").put(**{f"hip_{leg}": 0.4})
        moved = turned[f"lower_leg_{leg}_position"] - ant[f"lower_leg_{leg}_position"]
        assert position[0] * moved[1] - position[1] * moved[0] > 0
        assert turned["joint_angles"][2 * leg - 2] == pytest.approx(0.4)
        # Ankles 1 and 4 bend down when positive, 2 and 3 when negative.
        down = 1.0 if leg in (1, 4) else -1.0
        bent = Single("ant").put(**{f"ankle_{leg}": down})
        assert bent[f"lower_leg_{leg}_position"][2] < ant[f"lower_leg_{leg}_position"][2] - 0.1
        assert bent["joint_angles"][2 * leg - 1] == pytest.approx(down)


def test_ant_motors_feet_and_directions() -> None:
    for motor, joint in enumerate([6, 7, 0, 1, 2, 3, 4, 5]):  # hip 4, ankle 4, hip 1, ... against hip 1, ankle 1, ...
        assert Single("ant").put().motor(motor).torques(6) == {joint: 150}
    ant = Single("ant")
    assert [float(ant[f"leg_{leg}_contact"]) for leg in (1, 2, 3, 4)] == [0.0] * 4  # in the air
    ant.act(np.zeros(8), 60)
    assert [float(ant[f"leg_{leg}_contact"]) for leg in (1, 2, 3, 4)] == [1.0] * 4
    assert ant["upright"] > 0.95
    assert 0.3 < ant["height"] < 0.6
    for leg in range(1, 5):
        assert ant["contact_forces"][3 * leg, 5] == ant[f"leg_{leg}_contact"]
    left = np.concatenate([[0, 0, 0.5, np.sqrt(0.5), 0, 0, np.sqrt(0.5)], np.zeros(8)])  # a quarter turn to the left
    speed = np.zeros(14)
    speed[[0, 5]] = 1.0, 2.0
    turned = ant.place(left, speed)
    np.testing.assert_allclose([turned["heading_x"], turned["heading_y"]], [0, 1], atol=1e-6)
    np.testing.assert_allclose(turned["velocity"], [1, 0, 0])
    np.testing.assert_allclose(turned["angular_velocity"], [0, 0, 2])


def test_humanoid_faces_forward() -> None:
    stands = Single("humanoid").put()
    assert stands["height"] == pytest.approx(1.4)
    assert stands["right_foot_position"][1] < 0 < stands["left_foot_position"][1]  # it faces +x, so left is +y
    assert stands["head_position"][2] > 1.5
    bent = Single("humanoid").put(right_knee=-1.0)
    assert bent["right_foot_position"][0] < stands["right_foot_position"][0] - 0.2  # back
    lifted = Single("humanoid").put(left_hip_y=-1.0)
    assert lifted["left_foot_position"][0] > 0.5  # forward
    assert lifted["joint_angles"][9] == pytest.approx(-1.0)
    assert bent["joint_angles"][6] == pytest.approx(-1.0)
    half = 0.25
    leans = stands.place(np.concatenate([[0, 0, 1.4, np.cos(half), 0, np.sin(half), 0], np.zeros(17)]))
    assert leans["lean_forward"] == pytest.approx(np.sin(0.5))
    assert leans["head_position"][0] > 0.05
    assert leans["upright"] == pytest.approx(np.cos(0.5))
    leans = stands.place(np.concatenate([[0, 0, 1.4, np.cos(half), -np.sin(half), 0, 0], np.zeros(17)]))
    assert leans["lean_left"] == pytest.approx(np.sin(0.5))
    assert leans["head_position"][1] > 0.05


@pytest.mark.parametrize("name", ["humanoid", "humanoid_standup"])
def test_humanoid_motors_and_forces(name: str) -> None:
    order = [1, 0, *range(2, 17)]  # abdomen y, abdomen z, then as joint_angles
    for motor, joint in enumerate(order):
        robot = Single(name).put().motor(motor)
        torques = robot["joint_torques"]
        assert {joint: torques[joint]} == robot.torques(6)
        assert torques[joint] >= 10
    model = robot.base.model
    names = [model.joint(index).name for index in range(1, 18)]
    assert names[:4] == ["abdomen_z", "abdomen_y", "abdomen_x", "right_hip_x"]
    assert names[6:11:4] == ["right_knee", "left_knee"]
    assert names[11:] == [
        f"{side}_{part}" for side in ("right", "left") for part in ("shoulder1", "shoulder2", "elbow")
    ]
    robot.env.action_space.seed(0)
    for _ in range(30):
        robot.act(robot.env.action_space.sample())
        for side in ("right", "left"):
            force = robot.base.data.cfrc_ext[model.body(f"{side}_foot").id, 5]
            assert robot[f"{side}_foot_force"] == pytest.approx(force, rel=1e-5)


def test_humanoid_stands_on_its_feet() -> None:
    robot = Single("humanoid").act(np.zeros(17), 12)
    assert robot["right_foot_force"] > 10
    assert robot["left_foot_force"] > 10


def test_standing_up_is_upright() -> None:
    lies = Single("humanoid_standup").put()
    assert lies["head_position"][0] < lies["pelvis_position"][0] < lies["right_foot_position"][0]
    assert lies["upright"] == pytest.approx(0, abs=1e-6)
    assert lies["facing_up"] == pytest.approx(1)
    assert lies["left_hand_position"][1] > 0 > lies["right_hand_position"][1]
    half = np.sqrt(0.5)
    stands = lies.place(np.concatenate([[0, 0, 1.2, half, 0, half, 0], np.zeros(17)]))
    assert stands["upright"] == pytest.approx(1)
    assert stands["facing_up"] == pytest.approx(0, abs=1e-6)
    assert stands["head_position"][2] == pytest.approx(1.35)
    assert stands["pelvis_position"][2] == pytest.approx(0.83, abs=0.05)
    assert 0.05 < stands["right_foot_position"][2] < 0.15
    sits = lies.place(np.concatenate([[0, 0, 0.5, half, 0, half, 0], np.zeros(17)]))
    assert 0.6 < sits["head_position"][2] < 0.7


def test_swimmer_points_forward_and_turns_left() -> None:
    straight = Single("swimmer").put()
    assert straight["front_joint_position"][0] > straight["back_joint_position"][0]
    np.testing.assert_allclose(straight["mass_center"], 0, atol=1e-6)
    left = Single("swimmer").put(free_body_rot=0.5)
    assert left["heading"] == pytest.approx(0.5)
    assert left["front_joint_position"][1] > 0.2
    bent = Single("swimmer").put(motor1_rot=0.5)
    assert bent["joint_angles"].tolist() == [0.5, 0.0]
    assert bent["back_joint_position"][1] < -0.4  # the rear goes to the right
    moved = Single("swimmer").place(np.array([3.0, 2, 0, 0, 0]), np.array([1.0, 0.5, 0, 0, 0]))
    assert [float(moved[name]) for name in ("x_position", "y_position")] == [3, 2]
    assert [float(moved[name]) for name in ("forward_velocity", "sideways_velocity")] == [1, 0.5]
    assert moved["mass_center"][0] == pytest.approx(3)
    for motor in (0, 1):
        assert Single("swimmer").motor(motor).torques(3) == {motor: 150}


def test_walker_leans_forward_and_lifts_its_toes() -> None:
    stands = Single("walker2d").put()
    assert stands["height"] == pytest.approx(1.25)
    assert stands["right_foot_position"][0] > stands["torso_position"][0]  # toes point forward
    leans = Single("walker2d").put(rooty=0.4)
    assert leans["pitch"] == pytest.approx(0.4)
    assert leans.base.data.body("torso").xmat[2] > 0
    for first, side, other in ((0, "right", "left"), (3, "left", "right")):
        joint = "" if side == "right" else "_left"
        for index, part in enumerate(("thigh", "leg", "foot")):
            bent = Single("walker2d").put(**{f"{part}{joint}_joint": -0.4})
            assert bent["joint_angles"][first + index] == pytest.approx(-0.4)
            np.testing.assert_allclose(bent[f"{other}_foot_position"], stands[f"{other}_foot_position"], atol=1e-6)
            moved = bent[f"{side}_foot_position"] - stands[f"{side}_foot_position"]
            if part == "foot":
                assert moved[2] < -0.02  # toes down
            else:
                assert moved[0] < -0.1  # the leg swings, the knee bends, backward
            assert stands.motor(first + index).torques(3) == {first + index: 100}
            stands.put()
    moving = stands.place(np.array([2.0, 1.3, 0, 0, 0, 0, 0, 0, 0]), np.array([1.0, 0.5, 0.2, 0, 0, 0, 0, 0, 0]))
    read = [float(moving[name]) for name in ("x_position", "forward_velocity", "vertical_velocity", "pitch_velocity")]
    np.testing.assert_allclose(read, [2, 1, 0.5, 0.2], rtol=1e-6)


def test_pusher_swings_and_lowers_its_arm() -> None:
    arm = Single("pusher")
    rest = arm.base.init_qpos.copy()
    out = arm.place(rest)
    np.testing.assert_allclose(out["hand_position"], [0.821, -0.6, 0], atol=1e-3)
    assert out["prong_1_position"][1] < out["hand_position"][1] < out["prong_2_position"][1]
    assert out["prong_1_position"][0] == pytest.approx(out["hand_position"][0] + 0.1)
    np.testing.assert_allclose(out["goal_position"], [0.45, -0.05, -0.323], atol=1e-6)
    home = {name: out[name].copy() for name in ("hand_position", "prong_1_position", "prong_2_position")}
    for joint, change, axis, sign in ((0, 0.3, 1, 1), (1, 0.3, 2, -1), (3, -0.3, 2, 1)):
        qpos = rest.copy()
        qpos[joint] = change
        moved = arm.place(qpos)
        assert moved["joint_angles"][joint] == pytest.approx(change)
        assert sign * (moved["hand_position"] - home["hand_position"])[axis] > 0.05
    qpos = rest.copy()
    qpos[5] = -0.5
    assert arm.place(qpos)["prong_1_position"][2] > home["prong_1_position"][2] + 0.03  # the wrist bends up
    for motor in range(7):
        assert arm.place(rest).motor(motor).torques() == {motor: 2}


def test_pusher_begins_with_the_cylinder_away_from_the_goal() -> None:
    arm = Single("pusher")
    for seed in range(40):
        arm.obs, arm.info = arm.env.reset(seed=seed)
        x, y, z = arm["cylinder_position"]
        assert 0.25 <= x <= 0.65
        assert -0.35 <= y <= -0.05
        assert z == pytest.approx(-0.275)
        assert np.linalg.norm((arm["cylinder_position"] - arm["goal_position"])[:2]) > 0.17
    still = arm["cylinder_velocity"]
    np.testing.assert_array_equal(still, 0)


def test_pendulums_fall_to_the_right() -> None:
    single = Single("inverted_pendulum").put(hinge=0.15)
    assert single["pole_angle"] == pytest.approx(0.15)
    assert single.base.data.geom("cpole").xpos[0] > 0
    pushed = Single("inverted_pendulum").put().motor(0)
    assert pushed["cart_velocity"] > 0 > pushed["pole_velocity"]
    double = Single("inverted_double_pendulum").put(hinge=0.3, hinge2=-0.1)
    read = [float(double[name]) for name in ("lower_sin", "upper_sin", "lower_cos", "upper_cos")]
    np.testing.assert_allclose(read, [np.sin(0.3), np.sin(-0.1), np.cos(0.3), np.cos(-0.1)], rtol=1e-6)
    np.testing.assert_allclose(double["pole_angles"], [0.3, -0.1], rtol=1e-6)
    tip = 0.6 * (np.array([np.sin(0.3), np.cos(0.3)]) + np.array([np.sin(0.2), np.cos(0.2)]))
    np.testing.assert_allclose(double["tip_position"][[0, 2]], tip, rtol=1e-5)
    pushed = Single("inverted_double_pendulum").put().motor(0)
    assert pushed["cart_velocity"] > 0 > pushed["pole_velocities"][0]
    assert Single("inverted_double_pendulum").put(slider=1.02).motor(0)["rail_force"] < 0


def test_acrobot_ends_where_its_success_holds() -> None:
    task = load_task("acrobot")
    names = describe(task.env).names
    success = Expression(task.success.expression, names)
    robot = Single("acrobot")
    generator = np.random.default_rng(0)
    for state in generator.uniform([-np.pi, -np.pi, -1, -1], [np.pi, np.pi, 1, 1], size=(60, 4)):
        robot.base.state = state
        robot.obs = robot.base._get_ob()
        values = robot.reader.read(names, robot.obs, {})
        assert bool(success.evaluate({key: value[None] for key, value in values.items()})[0]) == robot.base._terminal()
        assert values["upper_angle"] == pytest.approx(state[0])
        assert values["lower_angle"] == pytest.approx(state[1])
        assert values["upper_sin"] == pytest.approx(np.sin(state[0]), abs=1e-6)
    robot.base.state = np.zeros(4)
    assert robot.act(2)["lower_velocity"] > 0
    assert robot["upper_velocity"] < 0


def test_lunar_lander_engines_and_legs() -> None:
    falls = Single("lunar_lander").act(0, 8)
    left, up, right = (Single("lunar_lander").act(action, 8) for action in (1, 2, 3))
    assert left["x_velocity"] < falls["x_velocity"] < right["x_velocity"]
    assert left["angular_velocity"] > falls["angular_velocity"] > right["angular_velocity"]
    assert up["y_velocity"] > falls["y_velocity"]
    assert falls.base.legs[0].position.x > falls.base.lander.position.x  # obs[6] is the right leg
    before = float(falls["x_position"])
    speed = float(falls["x_velocity"])
    falls.act(0, 5)
    assert float(falls["x_position"]) - before == pytest.approx(5 * speed * 0.01, rel=0.1)
    assert (falls.base.helipad_x1 / 10 - 1, falls.base.helipad_x2 / 10 - 1) == pytest.approx((-0.2, 0.2))


def test_a_soft_landing_is_a_success_and_a_crash_is_none() -> None:
    task = load_task("lunar_lander")
    schema = describe(task.env)
    for careful in (True, False):
        world, judge = Single("lunar_lander"), EpisodeJudge(task, schema, 1)
        terminated = False
        while not terminated:
            action = heuristic(world.base, world.obs) if careful else 0
            world.obs, _, terminated, _, world.info = world.env.step(action)
            values = world.reader.read(schema.names, world.obs, world.info)
            judge.step({key: value[None] for key, value in values.items()})
        verdict = judge.finish(np.array([True]))
        assert bool(verdict.success[0]) == careful
        assert bool(verdict.outcomes["crashed"][0]) != careful
