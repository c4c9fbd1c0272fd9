"""The WebSocket: what is published of runs, and who may watch."""
