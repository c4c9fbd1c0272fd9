"""Static files under ASGI."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    BaseMiddleware = object
else:
    from whitenoise.middleware import WhiteNoiseMiddleware as BaseMiddleware


class StaticFilesMiddleware(BaseMiddleware):
    """Whitenoise, answering with the whole file.

    Its own streaming response is read by Django piece by piece in threads, with a warning each;
    our files are small.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """Answer with a static file, its headers and its status."""
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file:
                body = found.file.read()
        response = HttpResponse(body, status=int(found.status))
        del response["content-type"]
        for name, value in found.headers:
            response[name] = value
        return response
