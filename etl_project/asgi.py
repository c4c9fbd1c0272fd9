"""HTTP, WebSocket and the server's life. Static files are served by whitenoise, as middleware."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl_project.settings")
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter  # noqa: E402

from etl_project.bodies import BodyLimits  # noqa: E402
from etl_project.lifespan import lifespan  # noqa: E402
from etl_project.web_threads import WebHandler  # noqa: E402
from jobs.live.routing import websocket  # noqa: E402

application = ProtocolTypeRouter(
    {
        "lifespan": lifespan,
        "http": BodyLimits(WebHandler()),
        "websocket": websocket,
    }
)
