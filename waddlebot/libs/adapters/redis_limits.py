"""How much, how often, how long: what an installation, or a test, may want otherwise."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """``length_max``: entries of one partition's stream that some group has not finished; whoever announces more
    waits. ``linger_s``: rounds of sending begin at least so far apart, to have something to pack; the first after
    a pause leaves at once. ``grace_s``: so long Redis may be away before events go another way; a restart or a
    failover often takes less. ``claim_after_s``: when nobody has touched an entry for so long and its reader is
    gone, a replica takes it. ``gone_s``: a group that nobody read for so long holds back nothing in a stream that
    is half full.
    """

    length_max: int = 4_096
    linger_s: float = 0.005
    grace_s: float = 2.0
    claim_after_s: float = 15.0
    gone_s: float = 300.0
