"""A rolling restart: every process stops and starts, one after the other, and no request is refused."""

from random import Random

from drills.cluster import ClusterWorld, flowing
from drills.kill9_cluster import answered, closed
from drills.world import BooksError


async def roll(world: ClusterWorld, random: Random, rounds: int) -> dict[str, int]:
    """Restart all, in another order each time. Raises BooksError for a request that had no 2xx."""
    async with flowing(world, random) as traffic:
        for number in range(rounds):
            hosts = random.sample(world.cluster.hosts, len(world.cluster.hosts))
            for host in hosts:
                await host.stop()
                await host.start()
                await traffic.balancer.all_ready()
            await answered(traffic, f"after-{number}")
            if traffic.failures:
                raise BooksError(f"round {number}: {traffic.failures}")
    return await closed(world, traffic)
