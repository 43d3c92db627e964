"""autoreward: say in words what an agent should do; get a reward function and the evidence that it works."""

__version__ = "0.1.0"
