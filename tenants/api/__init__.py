"""What every room's part of the API is built on: the wall, roles, and the conventions."""
