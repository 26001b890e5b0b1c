"""How often something may be done (R28): counted per minute in the cache, so all web processes count together."""

import logging

from django.core.cache import cache
from redis.exceptions import RedisError

from vault.errors import RateLimited

log = logging.getLogger(__name__)
WINDOW_SECONDS = 60


def rate_take(name: str, *, limit: int, at: float) -> None:
    """Count one use of `name` at the time `at` (seconds). Raises `RateLimited` beyond `limit` in that minute; a limit
    of 0 is none. A cache that does not answer lets everything pass: it is no reason to be down."""
    if not limit:
        return
    window = int(at) // WINDOW_SECONDS
    key = f"rate:{name}:{window}"
    try:
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        used = cache.incr(key)
    except (RedisError, ValueError, OSError) as error:
        log.warning("rate not counted: %s", type(error).__name__)
        return
    if used > limit:
        raise RateLimited(retry_after=max(1, (window + 1) * WINDOW_SECONDS - int(at)))
