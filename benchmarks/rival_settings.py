"""Settings of the rival of benchmarks/api.py: our tables, and REST framework as it comes."""

from etl_project.settings import *  # noqa: F403

MIDDLEWARE = []
ROOT_URLCONF = "api_rival"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": (),
    "DEFAULT_PERMISSION_CLASSES": (),
    "DEFAULT_RENDERER_CLASSES": ("rest_framework.renderers.JSONRenderer",),
    "UNAUTHENTICATED_USER": None,
}
