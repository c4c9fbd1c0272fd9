"""How endpoints, notices and deliveries are given and shown."""

from typing import Any, Final

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from integrations.models import Integration
from notices.addresses import origin_of
from notices.events import CHOSEN, Event
from notices.models import Attempt, Delivery, Endpoint, Notice
from notices.sending import body_of
from notices.wording import title_of
from tenants.api.fields import Flag, ModelSerializer, OwnField, Serializer, Text
from tenants.permissions import Capability

MOST_INTEGRATIONS: Final = 100
_EVENTS: Final = [value for value, _ in CHOSEN]


def integrations() -> QuerySet[Integration]:
    """Return the integrations of the scope."""
    rows: QuerySet[Integration] = Integration.objects.all()
    return rows


class EndpointGiven(Serializer):
    """A webhook to be made. integrations: ids of those whose notices are sent; empty for all,
    those to come, too. events: at least one."""

    name = Text(max_length=100)
    url = Text(max_length=500)
    events = serializers.ListField(
        child=serializers.ChoiceField(CHOSEN), min_length=1, max_length=2 * len(_EVENTS)
    )
    integrations = serializers.ListField(
        child=OwnField(integrations), max_length=MOST_INTEGRATIONS, required=False
    )
    is_active = Flag(default=True)


class EndpointChanged(EndpointGiven):
    """What is to be changed of a webhook."""

    is_active = Flag(required=False)


class EndpointShown(ModelSerializer):
    """A webhook. url: scheme and host alone for those who may not change it. failing_since: of the
    first of its last failures in a row, of which there are `failures`. disabled_because: why it
    switched itself off. former_secret_until: until when the secret before the present one signs,
    too."""

    url = serializers.SerializerMethodField()
    events = serializers.ListField(child=serializers.CharField())
    integrations = serializers.ListField(source="integration_ids", child=serializers.IntegerField())
    former_secret_until = serializers.DateTimeField(source="former_until", allow_null=True)

    class Meta:
        model = Endpoint
        fields = (
            "id",
            "name",
            "url",
            "events",
            "integrations",
            "is_active",
            "disabled_because",
            "failures",
            "failing_since",
            "succeeded_at",
            "former_secret_until",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_url(self, row: Endpoint) -> str:
        """Tell the address; what stands after the host may be a secret."""
        view = self.context.get("view")
        access = getattr(view, "access", None)
        if access is not None and access.may(Capability.EDIT_INTEGRATIONS):
            return row.url
        return origin_of(row.url)


class SecretShown(Serializer):
    """A secret, which is told this once. former_secret_until: until when the one before it signs,
    too."""

    secret = serializers.CharField()
    former_secret_until = serializers.DateTimeField(allow_null=True)


class EndpointMade(EndpointShown):
    """A new webhook with its secret, which is told this once."""

    secret = serializers.SerializerMethodField()

    class Meta:
        model = Endpoint
        fields = (*EndpointShown.Meta.fields, "secret")
        read_only_fields = fields

    def get_secret(self, row: Endpoint) -> str:
        """Tell the secret."""
        return str(self.context["secret"])


class NoticeShown(ModelSerializer):
    """Something that happened. title: in one line of words. payload: as receivers get it. key:
    unique in the tenant."""

    event = serializers.ChoiceField(Event.choices)
    integration = serializers.IntegerField(source="integration_id", allow_null=True)
    title = serializers.SerializerMethodField()

    class Meta:
        model = Notice
        fields = ("id", "event", "title", "key", "integration", "payload", "occurred_at")
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_payload(self, row: Notice) -> Any:
        """Tell what is told of it."""
        return row.payload

    payload = serializers.SerializerMethodField()

    def get_title(self, row: Notice) -> str:
        """Tell it in words."""
        return title_of(row)


class NoticeDeliveryShown(ModelSerializer):
    """A notice on its way. webhook: id of where to, null for an e-mail. message_id: the header
    `webhook-id`, the same at every attempt. next_at: of the next attempt while it is waiting.
    status, error: of the last attempt."""

    notice = serializers.IntegerField(source="notice_id")
    event = serializers.CharField(source="notice.event")
    webhook = serializers.IntegerField(source="endpoint_id", allow_null=True)
    user = serializers.IntegerField(source="user_id", allow_null=True)
    state = serializers.ChoiceField(Delivery.State.choices)

    class Meta:
        model = Delivery
        fields = (
            "id",
            "notice",
            "event",
            "webhook",
            "user",
            "message_id",
            "state",
            "attempts",
            "next_at",
            "status",
            "error",
            "created_at",
            "ended_at",
        )
        read_only_fields = fields


class AttemptShown(ModelSerializer):
    """One try. ended_at: null while it goes on, or if its process died. answer: the first 1,000
    characters, redacted."""

    class Meta:
        model = Attempt
        fields = (
            "number",
            "began_at",
            "ended_at",
            "milliseconds",
            "is_delivered",
            "status",
            "answer",
            "error",
        )
        read_only_fields = fields


class NoticeDeliveryInFull(NoticeDeliveryShown):
    """A delivery with the body as it is sent, and each attempt."""

    body = serializers.SerializerMethodField()
    tries = AttemptShown(many=True)

    class Meta:
        model = Delivery
        fields = (*NoticeDeliveryShown.Meta.fields, "body", "tries")
        read_only_fields = fields

    def get_body(self, row: Delivery) -> str:
        """Tell the body."""
        return body_of(row.notice).decode()
