"""MuJoCo simulations stepped together by `mujoco.batch`: Gymnasium's v5 tasks, and robots that are data only."""
