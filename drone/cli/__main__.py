"""``python -m drone.cli``, for where scripts are not on the path."""

import sys

from drone.cli import program

sys.exit(program())
