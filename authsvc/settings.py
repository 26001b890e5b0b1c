"""Settings, all from the environment. Every variable read here is documented in the README (a test compares)."""

from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from authsvc.env import env_bool, env_int, env_list, env_str, file_text
from authsvc.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env_str("AUTHSVC_DATA_DIR", str(BASE_DIR / ".authsvc"))).expanduser().resolve()

DEBUG = env_bool("AUTHSVC_DEBUG", False)
# Checked at start by authsvc.checks. `up` makes one in its data directory, where other commands then find it.
SECRET_KEY = env_str("AUTHSVC_SECRET_KEY") or file_text(DATA_DIR / "secret_key")
BASE_URL = env_str("AUTHSVC_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
_base = urlsplit(BASE_URL)
if _base.scheme not in ("http", "https") or not _base.hostname:
    raise ImproperlyConfigured(f"AUTHSVC_BASE_URL must be an http(s) address, not {BASE_URL!r}")
HTTPS = _base.scheme == "https"
ALLOWED_HOSTS = env_list("AUTHSVC_ALLOWED_HOSTS") or sorted({_base.hostname, "localhost", "127.0.0.1", "[::1]"})
CSRF_TRUSTED_ORIGINS = [BASE_URL]

# Keys that seal secrets (vault.keyring): "id:base64,older-id:base64" or a file of such lines, the first is primary.
KEK = env_str("AUTHSVC_KEK")
KEK_FILE = env_str("AUTHSVC_KEK_FILE")
# A transit engine of HashiCorp Vault or OpenBao: https://host:8200/<mount>/<key name>. It wraps, the others unwrap.
KEK_TRANSIT = env_str("AUTHSVC_KEK_TRANSIT")
KEK_TRANSIT_TOKEN = env_str("AUTHSVC_KEK_TRANSIT_TOKEN")
KEK_TRANSIT_TOKEN_FILE = env_str("AUTHSVC_KEK_TRANSIT_TOKEN_FILE")
if not KEK and not KEK_FILE and (DATA_DIR / "kek").exists():  # the one that `up` made
    KEK_FILE = str(DATA_DIR / "kek")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "ninja",
    "channels",
    "vault",
    "flows",
    "authsvc.keys",
    "authsvc.webhooks",
    "authsvc",
]

MIDDLEWARE = [
    "authsvc.middleware.RequestLogMiddleware",
    "authsvc.trail.TrailMiddleware",
    "flows.views.headers.PageHeadersMiddleware",
    "flows.views.languages.LanguageMiddleware",
    "authsvc.cors.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "authsvc.middleware.StaticMiddleware",
    "authsvc.middleware.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "authsvc.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "authsvc.urls"
ASGI_APPLICATION = "authsvc.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]

# --- database --------------------------------------------------------------------------------------------------
DATABASE_URL = env_str("DATABASE_URL", f"sqlite:///{DATA_DIR / 'authsvc.sqlite3'}")
try:
    _database = dj_database_url.parse(DATABASE_URL, conn_max_age=0, conn_health_checks=True)
except (ValueError, KeyError) as error:
    raise ImproperlyConfigured("DATABASE_URL must be a database address like postgres://user@host/name") from error
if _database["ENGINE"] not in ("django.db.backends.sqlite3", "django.db.backends.postgresql"):
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL or SQLite database")
if _database["ENGINE"].endswith("sqlite3"):
    # SQLite has no row locks: writers queue at BEGIN, wait instead of failing, and readers never block.
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
DB_THREADS = env_int("AUTHSVC_DB_THREADS", 8, high=64)  # most PostgreSQL connections that one process holds
if _database["ENGINE"].endswith("postgresql"):
    # Every request has a thread of its own: it borrows a connection and does not open one.
    _pool = {"min_size": 1, "max_size": DB_THREADS, "timeout": 20}
    _database["OPTIONS"] = {**_database.get("OPTIONS", {}), "pool": _pool}
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- broker, wake-ups ------------------------------------------------------------------------------------------
REDIS_URL = env_str("REDIS_URL")  # redis://…, unix://…; empty: everything in one process
if REDIS_URL and urlsplit(REDIS_URL).scheme not in ("redis", "rediss", "unix"):
    raise ImproperlyConfigured("REDIS_URL must begin with redis://, rediss:// or unix://")
CHANNEL_LAYERS = {
    "default": (
        {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
        if REDIS_URL
        else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    )
}
WORKER_FLOWS = env_int("AUTHSVC_WORKER_FLOWS", 64, high=1000)  # flows one worker process carries at once
FLOW_LEASE_SECONDS = env_int("AUTHSVC_FLOW_LEASE_SECONDS", 30, low=3, high=600)
BEAT_SECONDS = env_int("AUTHSVC_BEAT_SECONDS", 5, high=300)
_SPARE_THREADS = 4  # the tick and other short tasks run beside a full house of flows
_VISIBILITY_SECONDS = 86_400 + 3_600  # longer than any flow: the lease, not the broker, says that a worker is gone
CELERY_BROKER_URL = env_str(
    "CELERY_BROKER_URL",
    (REDIS_URL.replace("unix://", "redis+socket://", 1) if REDIS_URL else "memory://localhost/"),
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": _VISIBILITY_SECONDS} if REDIS_URL else {"polling_interval": 0.01}
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True  # with one message per free thread, so that an idle worker gets what a busy one cannot
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = WORKER_FLOWS + _SPARE_THREADS
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # keeps nothing: what is due is in the database
CELERY_BEAT_SCHEDULE = {
    "tick": {"task": "flows.tick", "schedule": BEAT_SECONDS, "options": {"expires": 2 * BEAT_SECONDS}},
    "webhooks": {"task": "webhooks.tick", "schedule": BEAT_SECONDS, "options": {"expires": 2 * BEAT_SECONDS}},
}
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

# --- limits, each per minute; 0 is none ------------------------------------------------------------------------
KEY_REQUESTS = env_int("AUTHSVC_KEY_REQUESTS", 6000, low=0, high=1_000_000)
DOMAIN_LOGINS = env_int("AUTHSVC_DOMAIN_LOGINS", 600, low=0, high=1_000_000)
CHECK_SPEED = env_int("AUTHSVC_CHECK_SPEED", 1, low=1, high=10_000)
WORKER_CHECKS = env_int("AUTHSVC_WORKER_CHECKS", 4, high=200)  # health checks one worker process makes at once
CHECKS_WAITING = env_int("AUTHSVC_CHECKS_WAITING", 200, high=100_000)  # handed out and not over, in all
DOMAIN_CHECKS = env_int("AUTHSVC_DOMAIN_CHECKS", 60, low=0, high=1_000_000)
LINK_TRIES = env_int("AUTHSVC_LINK_TRIES", 30, low=0, high=1_000_000)

METRICS_TOKEN = env_str("AUTHSVC_METRICS_TOKEN")  # opens /metrics; empty: there is none
if METRICS_TOKEN and len(METRICS_TOKEN) < 24:
    raise ImproperlyConfigured("AUTHSVC_METRICS_TOKEN must have 24 characters or more")

# --- flows -----------------------------------------------------------------------------------------------------
INTERACTION_SECONDS = env_int("AUTHSVC_INTERACTION_SECONDS", 600, high=86400)
HISTORY_DAYS = env_int("AUTHSVC_HISTORY_DAYS", 90, low=0, high=36500)
PICTURE_HOURS = env_int("AUTHSVC_PICTURE_HOURS", 24, low=0, high=720)
REPLAY_HOURS = env_int("AUTHSVC_REPLAY_HOURS", 72, low=0, high=8760)
FLOW_SECONDS = env_int("AUTHSVC_FLOW_SECONDS", 1200, high=86400)
VERIFY_LOGINS = env_bool("AUTHSVC_VERIFY_LOGINS", True)

# --- browsers --------------------------------------------------------------------------------------------------
CHROMIUM_PATH = env_str("AUTHSVC_CHROMIUM_PATH")  # empty: found on PATH
HEADLESS_SHELL_PATH = env_str("AUTHSVC_HEADLESS_SHELL_PATH")
BROWSER_SANDBOX = env_bool("AUTHSVC_BROWSER_SANDBOX", True)
BROWSER_OPENS = env_int("AUTHSVC_BROWSER_OPENS", 3, high=100)  # pages opened at the same time
BROWSER_PACE_MS = env_int("AUTHSVC_BROWSER_PACE_MS", 0, low=0, high=5000)
BROWSERS_PER_WORKER = env_int("AUTHSVC_BROWSERS_PER_WORKER", 10, low=0, high=1000)
# Where a worker listens for web processes, which pass debuggers and live views on to it, and how they reach it.
RELAY_LISTEN = env_str("AUTHSVC_RELAY_LISTEN", "127.0.0.1")
RELAY_ADDRESS = env_str("AUTHSVC_RELAY_ADDRESS", RELAY_LISTEN)
# Private hosts that logins may reach, e.g. "127.0.0.1,10.0.0.0/8,wiki.internal" (`up` names loopback).
SSRF_ALLOW = env_list("AUTHSVC_SSRF_ALLOW")
# What `proxies.check` asks for through a proxy when the caller names no address.
PROXY_CHECK_URL = env_str("AUTHSVC_PROXY_CHECK_URL", "https://example.com/")

# --- pages -----------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
# Of the hosted page, chosen by the browser's wish (flows/locale). Everything else is English.
LANGUAGES = [
    ("en", "English"),
    ("ar", "العربية"),
    ("de", "Deutsch"),
    ("es", "español"),
    ("fr", "français"),
    ("it", "italiano"),
    ("ja", "日本語"),
    ("ko", "한국어"),
    ("nl", "Nederlands"),
    ("pl", "polski"),
    ("pt-br", "português (Brasil)"),
    ("ru", "русский"),
    ("tr", "Türkçe"),
    ("uk", "українська"),
    ("zh-hans", "简体中文"),
]
LOCALE_PATHS = [BASE_DIR / "flows" / "locale"]  # before Django's own words for the same
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # nothing to collect: files are found where they are
WHITENOISE_AUTOREFRESH = DEBUG

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"  # with no-referrer, Chromium posts `Origin: null`
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("AUTHSVC_BEHIND_TLS_PROXY", False) else None
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
DATA_UPLOAD_MAX_MEMORY_SIZE = env_int("AUTHSVC_MAX_BODY_BYTES", 1_048_576, low=1024, high=2**30)

LOG_LEVEL = env_str("AUTHSVC_LOG_LEVEL", "INFO")
LOG_JSON = env_bool("AUTHSVC_LOG_JSON", not DEBUG)
LOGGING_CONFIG = None
logging_config(level=LOG_LEVEL, as_json=LOG_JSON)
