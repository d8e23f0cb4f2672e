"""A subscription to one channel of Redis."""

from collections.abc import AsyncGenerator, Awaitable, Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.values.errors import StoreUnavailable

Connect = Callable[[], Awaitable[Redis]]
# After this long without a message the server is pinged: it may have nothing to publish, or be gone.
QUIET_S = 5.0


async def messages(connect: Connect, channel: str) -> AsyncGenerator[bytes, None]:
    """Messages published on the channel from now on. Raises StoreUnavailable once the server is gone."""
    try:
        async with (await connect()).pubsub() as subscription:
            await subscription.subscribe(channel)
            is_pinged = False
            while True:
                message = await subscription.get_message(timeout=QUIET_S)
                if message is None:
                    if is_pinged:
                        raise StoreUnavailable("Redis does not answer")
                    await subscription.ping()
                elif message["type"] == "message":
                    yield message["data"]
                is_pinged = message is None
    except (RedisError, OSError) as error:
        raise StoreUnavailable(type(error).__name__) from error
