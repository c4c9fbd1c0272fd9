"""All settings, from the environment; every default is the embedded one (no servers)."""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

from common import sizes
from common.secrets import new_key
from etl_project import api_settings, logs
from etl_project.given import Environment, credential_keys, kept_key, networks, read_file
from etl_project.look import UNFOLD as UNFOLD
from etl_project.urls_given import (
    BROKER_FORMS,
    DATABASE_FORMS,
    REDIS_FORMS,
    caches,
    check_url,
    mail,
    malformed,
    with_password,
)

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
read_file(env, BASE_DIR / env.str("ENV_FILE", default=".env"))

VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY_GIVEN = env.str("SECRET_KEY", default="")
SECRET_KEY = SECRET_KEY_GIVEN or kept_key(VAR_DIR / "secret_key", lambda: secrets.token_urlsafe(50))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ENVIRONMENT = env.str("ENVIRONMENT", default="Development")
"""What the badge of every page says; empty hides it."""

INSTALLED_APPS = [
    # First, for its ready() sets up the broker that actors bind to when they are imported.
    "etl_project.apps.EtlProjectConfig",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "etl_project.apps.EtlAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "tenants",
    "integrations",
    "mappings",
    "warehouse",
    "notices",
    "jobs",
    "sandbox",
]

MIDDLEWARE = [
    "etl_project.health.HealthMiddleware",
    "etl_project.requests.TraceMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "etl_project.headers.ContentSecurityPolicyMiddleware",
    "etl_project.bodies.RefusedBodyMiddleware",
    "etl_project.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.middleware.TenantScopeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

DATA_UPLOAD_MAX_MEMORY_SIZE = sizes.FORM

ROOT_URLCONF = "etl_project.urls"
ASGI_APPLICATION = "etl_project.asgi.application"
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
            ],
        },
    },
]

# Of web threads; a worker keeps its connections for as long as it lives.
CONN_MAX_AGE = env.int("CONN_MAX_AGE", default=60)


def _database() -> dict[str, Any]:
    default = f"sqlite:///{VAR_DIR / 'db.sqlite3'}"
    check_url("DATABASE_URL", env.str("DATABASE_URL", default=default), DATABASE_FORMS)
    try:
        database: dict[str, Any] = env.db("DATABASE_URL", default=default)
    except ValueError:
        raise malformed("DATABASE_URL", DATABASE_FORMS) from None
    if database["ENGINE"] == "django.db.backends.sqlite3":
        # IMMEDIATE: a transaction that reads before it writes must not fail when it upgrades.
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        database["TEST"] = {
            "NAME": str(VAR_DIR / f"test-{env.str('TEST_NAME', default='db')}.sqlite3")
        }
    else:
        database["PASSWORD"] = env.str("DATABASE_PASSWORD", default="") or database["PASSWORD"]
        database["CONN_MAX_AGE"] = CONN_MAX_AGE
        database["CONN_HEALTH_CHECKS"] = True
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _broker_url() -> str:
    """BROKER_URL, or one made of the RABBITMQ_* parts; empty means the in-process broker."""
    if url := env.str("BROKER_URL", default=""):
        return check_url("BROKER_URL", url, BROKER_FORMS)
    if url := env.str("RABBITMQ_URL", default=""):
        return check_url("RABBITMQ_URL", url, BROKER_FORMS)
    host = env.str("RABBITMQ_HOST", default="")
    if not host:
        return ""
    user = quote(env.str("RABBITMQ_USER", default="guest"), safe="")
    password = quote(env.str("RABBITMQ_PASSWORD", default="guest"), safe="")
    vhost = quote(env.str("RABBITMQ_VHOST", default="/"), safe="")
    return f"amqp://{user}:{password}@{host}/{vhost}"


BROKER_URL = _broker_url()
CHANNEL_LAYER_URL = with_password(
    env.str("CHANNEL_LAYER_URL", default=""), env.str("REDIS_PASSWORD", default="")
)
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            # A Redis that hangs is to be noticed as soon as one that is dead.
            "hosts": [
                {"address": CHANNEL_LAYER_URL, "socket_timeout": 1, "socket_connect_timeout": 1}
            ],
            "prefix": env.str("CHANNEL_LAYER_PREFIX", default="etl"),
        },
    }
    if CHANNEL_LAYER_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1000}}
}
CACHE_URL = with_password(env.str("CACHE_URL", default=""), env.str("REDIS_PASSWORD", default=""))
if CACHE_URL:
    check_url("CACHE_URL", CACHE_URL, REDIS_FORMS)
CACHES = caches(CACHE_URL, env.str("CHANNEL_LAYER_PREFIX", default="etl"))
QDRANT_URL = env.str("QDRANT_URL", default="")

CREDENTIAL_KEYS_GIVEN = env.list("CREDENTIAL_KEYS", default=[])
CREDENTIAL_KEYS = credential_keys(
    CREDENTIAL_KEYS_GIVEN or [kept_key(VAR_DIR / "credential_key", new_key)]
)
"""Seal the credentials of integrations: the first seals, every one opens."""
EGRESS_ALLOWED_PRIVATE_CIDRS = networks(
    "EGRESS_ALLOWED_PRIVATE_CIDRS", env.list("EGRESS_ALLOWED_PRIVATE_CIDRS", default=[])
)
ALLOW_HTTP = env.bool("ALLOW_HTTP", default=False)
HTTP_DEADLINE_SECONDS = env.float("HTTP_DEADLINE_SECONDS", default=60.0)
HTTP_MAX_BYTES = env.int("HTTP_MAX_BYTES", default=50 * 1024 * 1024)
HTTP_WAIT_SECONDS = env.float("HTTP_WAIT_SECONDS", default=60.0)

STEP_LEASE_SECONDS = env.int("STEP_LEASE_SECONDS", default=30)
STEP_MAX_ATTEMPTS = env.int("STEP_MAX_ATTEMPTS", default=3)
FETCH_MAX_ATTEMPTS = env.int("FETCH_MAX_ATTEMPTS", default=6)
STEP_BACKOFF_SECONDS = env.float("STEP_BACKOFF_SECONDS", default=2.0)
STEP_REDISPATCH_SECONDS = env.int("STEP_REDISPATCH_SECONDS", default=15)
WORKER_STOP_SECONDS = env.float("WORKER_STOP_SECONDS", default=20.0)
LOAD_BATCH_ITEMS = env.int("LOAD_BATCH_ITEMS", default=10_000)
LOAD_LINGER_SECONDS = env.float("LOAD_LINGER_SECONDS", default=1.0)
MAX_RECORD_BYTES = env.int("MAX_RECORD_BYTES", default=16 * 1024 * 1024)

REST_FRAMEWORK = api_settings.REST_FRAMEWORK
SPECTACULAR_SETTINGS = api_settings.SPECTACULAR_SETTINGS
SIMPLE_JWT = api_settings.simple_jwt(
    SECRET_KEY,
    env.int("API_ACCESS_SECONDS", default=600),
    env.int("API_REFRESH_SECONDS", default=1_209_600),
)
API_RATES = {
    "user": env.int("API_RATE_USER", default=600),
    "tenant": env.int("API_RATE_TENANT", default=3000),
    "address": env.int("API_RATE_ADDRESS", default=120),
    "auth": env.int("API_RATE_AUTH", default=20),
    "delivery": env.int("API_RATE_DELIVERY", default=1200),
    "test": env.int("API_RATE_TEST", default=30),
    "discover": env.int("API_RATE_DISCOVER", default=60),
}
"""Requests a minute: of a user, in a tenant, from an address of nobody, and of some actions."""

NOTICE_KEEP_DAYS = env.int("NOTICE_KEEP_DAYS", default=90)
"""So long notices and the log of their deliveries are kept."""
WEBHOOK_KEEP_DAYS = env.int("WEBHOOK_KEEP_DAYS", default=30)
"""So long what sources sent to our webhooks is kept."""
EMAIL_URL = env.str("EMAIL_URL", default="")
MAIL_IS_ON = bool(EMAIL_URL)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="etl@localhost")
SITE_URL = env.str("SITE_URL", default="").rstrip("/")
"""Where people reach the site; links of e-mails begin with it."""
globals().update(mail(EMAIL_URL))

PROCESS_NAME = env.str("PROCESS_NAME", default="")
LOGGING = logs.configuration(
    env.str("LOG_FORMAT", default="console"), env.str("LOG_LEVEL", default=""), PROCESS_NAME
)
SLOW_SQL_SECONDS = env.float("SLOW_SQL_SECONDS", default=1.0)

LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = "etl_project.formats"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(VAR_DIR / "static"))
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # whitenoise warns where there is none
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
