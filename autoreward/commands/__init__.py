"""The commands of `autoreward`: each is a record of its arguments with a method `execute` that gives the exit code.

What a command works with is imported when it is executed: `autoreward --help` reads none of torch, mujoco or openai.
"""
