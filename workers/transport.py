"""What must kombu's Redis transport do better, so that a worker hears again after its broker was away?

With kombu 5.6.2 an acknowledgement that fails keeps its slot of the prefetch limit. Once as many failed as there are
slots (two, with two pool processes), the worker reads nothing more: neither a message nor the end of its connection,
which it therefore never replaces. Here the slot is free whatever happened; the message comes again, which does no harm.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import redis
from kombu.transport.virtual import QoS as LocalQoS


class ForgivingQoS(redis.QoS):
    """Frees a slot even when the broker could not be told."""

    def ack(self, delivery_tag: Any) -> None:
        """Acknowledge a message."""
        try:
            super().ack(delivery_tag)
        except BaseException:
            LocalQoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:  # noqa: FBT001, FBT002  # kombu's signature
        """Give a message back, or drop it."""
        try:
            super().reject(delivery_tag, requeue=requeue)
        except BaseException:
            LocalQoS.ack(self, delivery_tag)
            raise


def forgive_lost_acks() -> None:
    """Let every Redis channel of this process use `ForgivingQoS`; kombu looks it up on its class of channels."""
    redis.Channel.QoS = ForgivingQoS
