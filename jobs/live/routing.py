"""Addresses of the WebSocket."""

from django.urls import path

from jobs.live.consumers import RunConsumer

websocket_urlpatterns = [path("ws/runs/<int:run_id>/", RunConsumer.as_asgi())]
