"""Whoever does not answer is left alone, and given one chance at a time to come back."""

from waddlebot.libs.adapters.admission import Admission
from waddlebot.libs.adapters.breaker import FAILURES_MAX, OPEN_S, Breaker


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock=clock)
    for _ in range(FAILURES_MAX):
        assert breaker.admits()
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    clock = Clock()
    breaker = Breaker(clock=clock)
    for _ in range(FAILURES_MAX - 1):
        breaker.failed()
    breaker.succeeded()
    for _ in range(FAILURES_MAX - 1):
        breaker.failed()
        assert breaker.admits()
    assert breaker.state == "closed"
    breaker.failed()
    assert breaker.state == "open"
    assert not breaker.admits()
    assert breaker.retry_s == OPEN_S


def test_half_open_one_probe_tries() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now_s += OPEN_S - 0.1
    assert not breaker.admits()
    clock.now_s += 0.1
    assert breaker.state == "half-open"
    assert breaker.retry_s == 0
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert breaker.state == "closed"
    assert breaker.admits()


def test_a_probe_that_fails_opens_it_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now_s += OPEN_S
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()
    assert breaker.retry_s == OPEN_S


def test_a_probe_that_was_not_asked_leaves_its_place_to_another() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now_s += OPEN_S
    assert breaker.admits()
    breaker.left()
    assert breaker.admits()


def test_a_probe_that_is_never_heard_of_does_not_shut_it_for_good() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now_s += OPEN_S
    assert breaker.admits()
    clock.now_s += OPEN_S
    assert breaker.admits()


def test_nobody_holds_more_than_a_quarter() -> None:
    admission = Admission(8)
    assert [admission.enter("home") for _ in range(3)] == [True, True, False]
    assert all(admission.enter(name) for name in ("a", "a", "b", "b", "c", "c"))
    assert admission.size == 8
    assert not admission.enter("d")
    admission.leave("home")
    assert admission.enter("d")
    assert not admission.enter("home")
    admission.leave("d")
    assert admission.enter("home")
