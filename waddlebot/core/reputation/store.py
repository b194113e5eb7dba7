"""The scores and activity points of every account in every community."""

import dataclasses

from waddlebot.core.reputation.scores import GAIN_COLUMNS, Gain
from waddlebot.libs.sdk import Column, Store, Table, reads, writes

SCORE = Table(
    "score",
    (
        Column("account", "text"),
        Column("gained", "real"),
        Column("gained_overall", "real"),
        Column("activity", "real"),
    ),
    key=("account", "community"),
)

# The limits stand in the statement because its partial index only serves the very same words.
_CLAMP = """
update {score} set
    gained = case when gained < -300 then -300 when gained > 250 then 250 else gained end,
    gained_overall = case
        when gained_overall < -300 then -300 when gained_overall > 250 then 250 else gained_overall end
where (gained < -300 or gained > 250 or gained_overall < -300 or gained_overall > 250) and {scope}
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Gained:
    """What an account has gained since its start, in one community and in all, and its activity points there."""

    gained: float = 0.0
    gained_overall: float = 0.0
    activity: float = 0.0


class ReputationStore(Store):
    """Scores: facts name the account, for ever."""

    tables = (SCORE,)

    @writes
    def add(self, gains: list[Gain]) -> None:
        """Add what a batch brought; scores stop at 300 and 850."""
        self.db.upsert_many("score", gains, columns=GAIN_COLUMNS, add=("gained", "gained_overall", "activity"))
        self.db.execute(_CLAMP)

    @reads
    def known(self, accounts: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the accounts that have a score in the scope's communities."""
        statement = "select 1 from {score} where account = :account and {scope} limit 1"
        return tuple(account for account in accounts if self.db.execute(statement, {"account": account}))

    @reads
    def gained(self, accounts: tuple[str, ...], community: str) -> list[Gained]:
        """What each account has gained in a community and in all the scope's communities together."""
        found = []
        for account in accounts:
            rows = self.db.fetch(
                Gained,
                "select coalesce(sum(case when community = :community then gained else 0 end), 0), "
                "coalesce(sum(gained_overall), 0), "
                "coalesce(sum(case when community = :community then activity else 0 end), 0) "
                "from {score} where account = :account and {scope}",
                {"account": account, "community": community},
            )
            found.append(rows[0])
        return found
