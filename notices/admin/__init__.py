"""Webhooks, their deliveries, and what was told, in the admin; one's own e-mails."""

from notices.admin.endpoints import EndpointAdmin
from notices.admin.log import DeliveryAdmin, NoticeAdmin

__all__ = ["DeliveryAdmin", "EndpointAdmin", "NoticeAdmin"]
