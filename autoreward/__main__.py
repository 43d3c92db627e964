"""`python -m autoreward`: the same as the command `autoreward`."""

import sys

from autoreward.cli import main

if __name__ == "__main__":
    sys.exit(main())
