"""Does a worker keep its ears when acknowledgements are lost? kombu's account of messages, with a broker that is away."""

from __future__ import annotations

import contextlib

import pytest
from kombu.transport import redis
from redis.exceptions import ConnectionError as BrokerAway

from config.settings import load_settings
from workers.app import build_app
from workers.transport import ForgivingQoS


class Channel:
    """What kombu asks of its channel; every question to the broker fails."""

    unacked_key = "unacked"
    unacked_index_key = "unacked_index"

    @contextlib.contextmanager
    def conn_or_acquire(self, client=None):
        del client
        raise BrokerAway
        yield


@pytest.fixture
def qos():
    made = ForgivingQoS(Channel(), prefetch_count=1)
    made._on_collect.cancel()
    return made


def test_f05_every_application_of_ours_uses_it():
    build_app(load_settings())
    assert redis.Channel.QoS is ForgivingQoS


@pytest.mark.parametrize(
    "answer",
    [
        lambda qos: qos.ack("tag"),
        lambda qos: qos.reject("tag", requeue=False),
        lambda qos: qos.reject("tag", requeue=True),
    ],
    ids=["ack", "reject", "requeue"],
)
def test_f05_a_slot_is_free_although_the_broker_could_not_be_told(qos, answer):
    qos._quick_append("tag", object())
    assert not qos.can_consume()
    with pytest.raises(BrokerAway):
        answer(qos)
    assert qos.can_consume()
