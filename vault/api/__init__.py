"""The HTTP doors of the vault."""

from ninja import Router

from vault.api.audit_logs import router as audit_logs
from vault.api.credentials import router as credentials
from vault.api.profiles import router as profiles
from vault.api.projects import router as projects
from vault.api.providers import providers, sources

router = Router()
router.add_router("/audit-logs", audit_logs)
router.add_router("/credentials", credentials)
router.add_router("/org/credential_providers", providers)
router.add_router("/org/credential_sources", sources)
router.add_router("/org/projects", projects)
router.add_router("/profiles", profiles)

__all__ = ["router"]
