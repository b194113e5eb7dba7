"""A moment's pause of a thread."""

import random
import threading


def pause(shortest_s: float, longest_s: float) -> None:
    """Do nothing for a random time, so that threads that wait for the same thing do not come back in step.

    By a lock's timer: `time.sleep` fails with EINVAL under libfaketime, where only the wall clock is faked.
    """
    threading.Event().wait(random.uniform(shortest_s, longest_s))  # noqa: S311  # jitter, no secret
