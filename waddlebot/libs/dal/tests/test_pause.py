"""A pause ends, whatever the clock of the process shows."""

import os
import subprocess
import sys

import pytest

from waddlebot.libs.testing.skew import skewed

_PROGRAM = """
import time
from waddlebot.libs.dal.pause import pause
began_s = time.monotonic()
pause(0.05, 0.1)
assert time.monotonic() - began_s >= 0.05
"""


@pytest.mark.parametrize("minutes", [-11, 0, 11])
def test_a_pause_lasts_and_ends_under_a_faked_clock(minutes: int) -> None:
    environ = {**os.environ, **skewed(minutes)}
    subprocess.run([sys.executable, "-c", _PROGRAM], env=environ, check=True, timeout=20)
