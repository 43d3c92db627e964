"""Reward programs that a cell must withstand, for `check_cell`: endless, greedy, prying, meddling ones."""

from __future__ import annotations


def program(*lines: str) -> str:
    """A program with these lines, whose one term `a` is what they make of `x`, the field `height` at first."""
    head = (
        "WEIGHTS = {'a': 1.0}\ndef compute_reward(state, action, next_state, memory):\n    x = next_state['height']\n"
    )
    return head + "".join(f"    {line}\n" for line in lines) + "    return {'a': x}\n"


ENDLESS = {
    "a loop": program("for i in range(10 ** 9):", "    for j in range(10 ** 9):", "        x = x + i * j"),
    "a power": program("n = 9", "x = x + n ** n ** n"),
    "one long call": program("x = x + sum(range(10 ** 13))"),
}
"""They can only be ended from outside; the second and third never return to Python."""

GREEDY = {
    "an array": program("x = np.sum(np.ones((60000, 60000)))"),
    "a text": program("x = len('a' * 10 ** 11)"),
    "a list": program("x = len([action] * 10 ** 10)"),
    "growth": program("y = [x]", "for i in range(60):", "    y = y + y", "x = y[0]"),
}
"""They ask for more memory than any machine should give."""

FAULTY = {
    "endless recursion": program("def f(v):", "    return f(v)", "x = f(x)"),
    "a flood of terms": program("return {f't{i}': x for i in range(10 ** 5)}"),
    "a term of objects": program("x = [None] * len(x)"),
    "a write into an input": program("x[0] = 5.0"),
    "a sorted input": program("x.sort()"),
}
"""They must end in an error, with the inputs as they were."""


def prying(path: str) -> dict[str, str]:
    """Programs that look for the file `path`, the environment, or a way out of the language."""
    lines = (
        f"x = x + np.sum(np.fromfile({path!r}, np.uint8))",
        f"x = x + np.sum(np.memmap({path!r}, np.uint8))",
        f"x = x + len(np.genfromtxt({path!r}, str))",
        f"x = x + len(open({path!r}).read())",
        f"x = x + len(np.DataSource().open({path!r}).read())",
        f"x = x + len(np.ma.core.builtins.open({path!r}).read())",
        "x = x + len(np.f2py.os.environ)",
        "x = x + len(__import__('os').environ)",
        "x = x + len(np.ctypeslib.ctypes.__name__)",
        "x = x + len(().__class__.__base__.__subclasses__())",
        "x = x + len('{0.__class__}'.format(np))",
        "x = x + len(np.sum.__globals__)",
        "x = x + len([g.gi_frame.f_back for g in [(i for i in [1])]])",
        "x = x + getattr(np, 'random').rand()",
    )
    return {line: program(line) for line in lines}
