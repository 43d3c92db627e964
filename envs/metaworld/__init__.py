"""Meta-World's tasks of a Sawyer arm. They need another MuJoCo than ours: theirs is an interpreter of its own."""
