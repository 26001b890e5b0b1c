"""The HTTP doors of flows."""

from ninja import Router

from flows.api.connections import router as connections

router = Router()
router.add_router("/auth/connections", connections)

__all__ = ["router"]
