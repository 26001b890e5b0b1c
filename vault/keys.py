"""The keys as the rest of the vault gets them: not at all while the vault is sealed."""

from vault.errors import Sealed
from vault.key_sources import KeySource
from vault.keyring import keyring
from vault.models import VaultSeal


def vault_sealed() -> bool:
    """Whether an operator has sealed the vault, in whichever process. One small query: the answer is never stale."""
    return VaultSeal.objects.exists()


def seal_check() -> None:
    """Raises `Sealed` while the vault is sealed."""
    if vault_sealed():
        raise Sealed


def keys_open() -> KeySource:
    """The configured keys. Raises `Sealed` while the vault is sealed."""
    seal_check()
    return keyring()
