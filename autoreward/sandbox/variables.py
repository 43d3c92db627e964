"""Which of this process's environment variables other processes are given: a short list, so no key of the user's."""

from __future__ import annotations

import os

# fmt: off
PASSED_ON = frozenset((
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP",
    "PYTHONPATH", "PYTHONHOME", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH", "MUJOCO_GL", "PYOPENGL_PLATFORM", "EGL_DEVICE_ID",
    "DISPLAY", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "SDL_VIDEODRIVER", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
))
# fmt: on
"""With LC_*; everything else, API keys above all, stays here."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""How many threads NumPy and torch use: set before they are loaded."""


def passed_on() -> dict[str, str]:
    """Those of this process's that others may know."""
    return {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
