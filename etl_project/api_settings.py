"""Settings of the REST framework and of the schema of the API."""

from datetime import timedelta
from typing import Any, Final

from django.utils.crypto import salted_hmac

REST_FRAMEWORK: Final[dict[str, Any]] = {
    "DEFAULT_AUTHENTICATION_CLASSES": (
        "tenants.api.bearer.Bearer",
        "rest_framework.authentication.SessionAuthentication",
    ),
    "DEFAULT_PERMISSION_CLASSES": ("tenants.api.capabilities.HoldsCapability",),
    "DEFAULT_PARSER_CLASSES": ("tenants.api.parsing.StrictJSONParser",),
    "DEFAULT_RENDERER_CLASSES": (
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ),
    "DEFAULT_FILTER_BACKENDS": ("tenants.api.filters.StrictFilterBackend",),
    "DEFAULT_PAGINATION_CLASS": "tenants.api.paging.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "tenants.api.schema.ApiSchema",
    "DEFAULT_METADATA_CLASS": "tenants.api.metadata.PlainMetadata",
    "EXCEPTION_HANDLER": "tenants.api.errors.handle",
    "URL_FORMAT_OVERRIDE": None,
    "DATETIME_FORMAT": "iso-8601",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}


def simple_jwt(secret_key: str, access_seconds: int, refresh_seconds: int) -> dict[str, Any]:
    """Return the settings of JWT. They are signed by a key of their own, made of the secret key."""
    key = salted_hmac("etl.jwt", "signing", secret=secret_key, algorithm="sha256")
    return {
        "ALGORITHM": "HS256",
        "SIGNING_KEY": key.hexdigest(),
        "AUDIENCE": "etl-api",
        "ISSUER": "etl",
        "LEEWAY": 0,
        "ACCESS_TOKEN_LIFETIME": timedelta(seconds=access_seconds),
        "REFRESH_TOKEN_LIFETIME": timedelta(seconds=refresh_seconds),
    }


SPECTACULAR_SETTINGS: Final[dict[str, Any]] = {
    "TITLE": "ETL",
    "VERSION": "1",
    "OAS_VERSION": "3.0.3",
    "DESCRIPTION": "Work items, changelogs and pull requests of many tenants in one taxonomy.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ("rest_framework.permissions.AllowAny",),
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "ApiTokenStateEnum": "tenants.models.ApiToken.State",
        "InvitationStateEnum": "tenants.models.Invitation.State",
        "RoleEnum": "tenants.models.Role",
        "StepCategoryEnum": "mappings.models.StepCategory",
        "ChangeSetStateEnum": "mappings.models.change_set.ChangeSet.State",
        "NoticeDeliveryStateEnum": "notices.models.Delivery.State",
        "RunStateEnum": "jobs.models.JobRun.State",
        "RunModeEnum": "jobs.models.JobRun.Mode",
        "StepStateEnum": "jobs.models.QueueEntry.State",
        "LevelEnum": "jobs.models.RunLog.Level",
        "DependencyLevelEnum": "jobs.api.state.DEPENDENCY_LEVELS",
        "StatusEnum": "jobs.api.state.HEALTH_STATES",
        "SiteStatusEnum": "jobs.api.state.SITE_STATES",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": (
        "drf_spectacular.hooks.postprocess_schema_enums",
        "tenants.api.schema.add_problem",
    ),
}
