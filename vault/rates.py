"""How often something may be done (R28): counted in the cache, per minute where nothing else is said, so all processes
count together."""

import logging

from django.core.cache import cache
from redis.exceptions import RedisError

from vault.errors import RateLimited

log = logging.getLogger(__name__)
WINDOW_SECONDS = 60


def rate_take(name: str, *, limit: int, at: float, seconds: int = WINDOW_SECONDS) -> None:
    """Count one use of `name` at the time `at` (seconds). Raises `RateLimited` beyond `limit` in that stretch of
    `seconds`; a limit of 0 is none. A cache that does not answer lets everything pass: it is no reason to be down."""
    if not limit:
        return
    window = int(at) // seconds
    key = f"rate:{name}:{window}"
    try:
        cache.add(key, 0, timeout=2 * seconds)
        used = cache.incr(key)
    except (RedisError, ValueError, OSError) as error:
        log.warning("rate not counted: %s", type(error).__name__)
        return
    if used > limit:
        raise RateLimited(retry_after=max(1, (window + 1) * seconds - int(at)))
