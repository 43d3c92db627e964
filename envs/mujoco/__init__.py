"""MuJoCo simulations stepped together: Gymnasium's v5 tasks, and robots that are data only.

What is equal to Gymnasium's environments from the same seeds and actions, on `mujoco.batch`, to the last bit (asserted
by `tests/envs/mujoco/test_equal.py` over 2,080 steps of each of the eleven tasks, with resets, and with other
arguments of their constructors):

- observations, rewards, terminations and truncations, `info`, and every field, of all eleven tasks. Ant and the
  humanoids too: their contact forces are `mj_rnePostConstraint` on each simulation's own MjData, and their velocity
  is that of the bodies as the last substep left them, one substep old;
- the start of episodes: each row has a generator of its own, seeded and drawn from in Gymnasium's order.

What is not:

- A simulation that blows up. In Gymnasium's environment MuJoCo resets it silently and the episode goes on from the
  model's default posture; here the episode terminates with reward 0 and is counted in `faults`.
- Float64: the observation that Gymnasium's environments give in float64 is float32 here, as from `GymBatchEnv`.
- `x_velocity` of Humanoid weighs bodies by the model's masses, also where `model_field` gave simulations others.
- A field that the schema takes from an attribute that no episode sets (`attr.frame_skip`): such an environment is
  stepped by `GymBatchEnv`, and so are subclasses, wrapped environments, v4 and older tasks, and MuJoCo before 3.17.
"""
