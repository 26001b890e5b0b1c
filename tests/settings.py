"""Settings of the test suite: the real ones, with keys and a data directory of their own."""

import base64
import os
import tempfile

os.environ.setdefault("AUTHSVC_DATA_DIR", tempfile.mkdtemp(prefix="authsvc-tests-"))
os.environ.setdefault("AUTHSVC_SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("AUTHSVC_KEK", "test1:" + base64.b64encode(b"k" * 32).decode())
os.environ.setdefault("AUTHSVC_SSRF_ALLOW", "127.0.0.0/8,localhost,::1")
if os.geteuid() == 0:  # Chromium refuses its sandbox to root
    os.environ.setdefault("AUTHSVC_BROWSER_SANDBOX", "False")

from authsvc.settings import *  # noqa: F403 - the variables above come first
from authsvc.settings import DATA_DIR, DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, since code under test uses several threads and processes.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
# Tests of contention start more threads at once than a pool has connections, and the suite drops its databases.
DATABASES["default"].get("OPTIONS", {}).pop("pool", None)
