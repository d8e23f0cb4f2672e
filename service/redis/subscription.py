"""A subscription to one channel of Redis."""

from collections.abc import AsyncGenerator, Awaitable, Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.values.errors import StoreUnavailable

Connect = Callable[[], Awaitable[Redis]]
# A subscription hears nothing for this long when nothing is published, or when its server is gone without a word.
QUIET_S = 5.0


async def messages(connect: Connect, channel: str) -> AsyncGenerator[bytes, None]:
    """What is published on the channel from now on. Raises StoreUnavailable once the server is gone."""
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
