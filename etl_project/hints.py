"""Dramatiq's RabbitMQ broker for messages that are hints: one may be lost, none may mislead."""

from typing import Any

from dramatiq.brokers.rabbitmq import RabbitmqBroker, _RabbitmqConsumer
from dramatiq.common import q_name


class HintConsumer(_RabbitmqConsumer):
    """A consumer that settles only the messages that came by its own connection.

    Messages are numbered anew on every connection. The number of one that was taken from an
    earlier connection is another message's now, which would be taken for done.
    """

    def __next__(self) -> Any:
        """Return the next message, marked as ours, or None after a while without one."""
        try:
            message = super().__next__()  # type: ignore[no-untyped-call]
        except StopIteration:  # the queue was deleted: declare it before it is consumed again
            self.broker.queues_pending.add(q_name(self.queue_name))
            raise
        if message is not None:
            message.consumer = self
        return message

    def ack(self, message: Any) -> None:
        """Take a message off the queue, if it is ours: the broker has requeued all others."""
        if message.consumer is self:
            super().ack(message)  # type: ignore[no-untyped-call]

    def nack(self, message: Any) -> None:
        """Drop a hint that came to nothing: its step is due as before, and gets another one.

        Dramatiq would keep it for days in a queue of dead letters that nobody reads.
        """
        self.ack(message)


class HintBroker(RabbitmqBroker):
    """RabbitmqBroker with our consumers."""

    @property
    def consumer_class(self) -> type[HintConsumer]:
        return HintConsumer
