"""The processes of an installation on servers, run together by `manage.py up`."""
