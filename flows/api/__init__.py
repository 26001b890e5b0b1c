"""The HTTP doors of flows."""

from ninja import Router

from flows.api.browsers import router as browsers
from flows.api.connections import router as connections
from flows.api.proxies import router as proxies
from flows.api.replays import router as replays

router = Router()
router.add_router("/auth/connections", connections)
router.add_router("/browsers", browsers)
router.add_router("/browsers", replays)
router.add_router("/proxies", proxies)

__all__ = ["router"]
