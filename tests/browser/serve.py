"""The web server of the browser tests: a process of its own, with progress in it as in the demo."""

import sys
import threading

import uvicorn
from django.core.signals import request_started

from etl_project.asgi import application
from jobs.live import publishing


def forget(**_: object) -> None:
    """Forget the ids of content types: each test empties the tables, and makes them anew."""
    from django.contrib.contenttypes.models import ContentType

    ContentType.objects.clear_cache()


def main(port: int) -> None:
    """Serve on this port, and publish progress, until the process is ended."""
    request_started.connect(forget)
    stop = threading.Event()
    threading.Thread(target=publishing.run, args=(stop,), daemon=True).start()
    uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main(int(sys.argv[1]))
