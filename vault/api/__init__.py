"""The HTTP doors of the vault."""

from ninja import Router

from vault.api.credentials import router as credentials
from vault.api.profiles import router as profiles

router = Router()
router.add_router("/credentials", credentials)
router.add_router("/profiles", profiles)

__all__ = ["router"]
