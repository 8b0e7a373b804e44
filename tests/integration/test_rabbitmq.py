"""A real RabbitMQ keeps what the sink has confirmed, and what is wrong with it is said without the secret."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import msgspec
import pytest

from footfall.core.clock import SystemClock
from footfall.core.errors import FootfallError, Unavailable, UsageError
from footfall.engine.messaging import MessageTask
from footfall.sinks.messages import Message
from footfall.sinks.rabbitmq import RabbitSettings, RabbitSink
from tests.integration.rabbits import arguments, bind, received
from tests.servers.rabbitmq import RabbitMQ
from tests.unit.streams import START, open_log
from tests.unit.vips import VIPS, event_id, make, put

SECRET = "hush-hush"  # noqa: S105 - it must not be found in any message


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A queue of the test's own."""
    return str(request.node.name)


def message(number: int = 1) -> Message:
    """Some message."""
    body = msgspec.json.encode({"n": number})
    return Message(id=event_id(number).hex(), body=body, stream=VIPS, partition=1, offset=number, time_ms=START + 1_234)


def test_a_message_is_persistent_and_says_what_it_is_and_where_it_comes_from(rabbitmq: RabbitMQ, name: str) -> None:
    with RabbitSink(RabbitSettings(url=rabbitmq.url, routing_key=name, queue=name)) as sink:
        sink.send([message(7)])

    [one] = received(rabbitmq.url, name)
    assert (one.message_id, one.content_type, one.delivery_mode) == (event_id(7).hex(), "application/json", 2)
    assert one.headers == {"stream": VIPS, "partition": 1, "offset": 7}
    assert one.timestamp is not None
    assert one.timestamp.timestamp() == START // 1_000 + 1
    assert one.body == b'{"n":7}'


def test_a_thousand_messages_arrive_in_order(rabbitmq: RabbitMQ, name: str) -> None:
    with RabbitSink(RabbitSettings(url=rabbitmq.url, routing_key=name, queue=name)) as sink:
        for begin in (0, 1_000):
            sink.send([message(n) for n in range(begin, begin + 1_000)])

    assert [one.headers["offset"] for one in received(rabbitmq.url, name)] == list(range(2_000))


def test_an_exchange_is_made_and_reaches_the_queue_that_is_bound(rabbitmq: RabbitMQ, name: str) -> None:
    settings = RabbitSettings(url=rabbitmq.url, exchange=f"x-{name}", routing_key="vip.action", queue=name)
    with RabbitSink(settings) as sink:
        sink.send([message()])

    assert len(received(rabbitmq.url, name)) == 1


def test_a_queue_that_was_just_made_gets_nothing_until_the_broker_will_remember_it(
    rabbitmq: RabbitMQ, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RabbitSettings(url=rabbitmq.url, routing_key=name, queue=name)
    monkeypatch.setattr("footfall.sinks.rabbitmq._SETTLES", 0.5)
    begun = time.monotonic()
    with RabbitSink(settings) as sink:
        sink.send([message(1)])
    assert time.monotonic() - begun >= 0.5

    monkeypatch.setattr("footfall.sinks.rabbitmq._SETTLES", 3_600.0)
    with RabbitSink(settings) as sink:
        sink.send([message(2)])
    assert len(received(rabbitmq.url, name)) == 2


def test_queues_and_exchanges_that_are_there_stay_as_they_are(rabbitmq: RabbitMQ, name: str) -> None:
    arguments(rabbitmq.url, name, {"x-max-length": 10})
    bind(rabbitmq.url, f"x-{name}", name, "anything", kind="fanout")
    for exchange in ("", f"x-{name}"):
        with RabbitSink(RabbitSettings(url=rabbitmq.url, exchange=exchange, routing_key=name, queue=name)) as sink:
            sink.send([message()])

    assert len(received(rabbitmq.url, name)) == 2


def test_what_no_queue_takes_waits_until_one_is_bound(rabbitmq: RabbitMQ, name: str, tmp_path: Path) -> None:
    settings = RabbitSettings(url=rabbitmq.url, exchange=f"x-{name}", routing_key="k")
    with open_log(tmp_path) as log, RabbitSink(settings) as sink:
        make(log)
        put(log, 1, 2)
        working = MessageTask(
            "sink:x", stream=VIPS, partition=0, log=log, target=sink, clock=SystemClock(), stop=threading.Event()
        )
        assert working.step() == 0
        assert f"no queue takes what is sent to the exchange x-{name} with the routing key k" in working.trouble
        assert "--queue" in working.trouble

        bind(rabbitmq.url, f"x-{name}", name, "k")
        while working.step() == 0:
            pass
    assert [one.message_id for one in received(rabbitmq.url, name)] == [event_id(n).hex() for n in (1, 2)]


def test_what_a_full_queue_refuses_waits(rabbitmq: RabbitMQ, name: str) -> None:
    arguments(rabbitmq.url, name, {"x-max-length": 1, "x-overflow": "reject-publish"})
    with RabbitSink(RabbitSettings(url=rabbitmq.url, routing_key=name)) as sink:
        with pytest.raises(Unavailable, match=f"has refused a message for the queue {name}"):
            sink.send([message(n) for n in range(5)])
        received(rabbitmq.url, name)
        sink.send([message(9)])

    assert [one.headers["offset"] for one in received(rabbitmq.url, name)] == [9]


def said(url: str, **settings: str) -> FootfallError:
    """What the sink says when it is to send something."""
    with (
        RabbitSink(RabbitSettings(url=url, routing_key="k", **settings)) as sink,
        pytest.raises(FootfallError) as raised,
    ):
        sink.send([message()])
    assert SECRET not in str(raised.value)
    assert SECRET not in repr(raised.value.__cause__)
    return raised.value


def test_a_wrong_password_is_said_without_it(rabbitmq: RabbitMQ) -> None:
    error = said(rabbitmq.url.replace("guest:guest", f"guest:{SECRET}"))

    assert isinstance(error, UsageError)
    assert "does not let guest in. Check user and password" in str(error)


def test_a_virtual_host_that_is_not_there_is_said(rabbitmq: RabbitMQ) -> None:
    error = said(f"{rabbitmq.url}nowhere")

    assert isinstance(error, UsageError)
    assert "does not open the virtual host nowhere to guest. Check its name" in str(error)


def test_nobody_at_the_address_is_an_outage() -> None:
    error = said(f"amqp://guest:{SECRET}@127.0.0.1:9/")

    assert isinstance(error, Unavailable)
    assert "RabbitMQ at 127.0.0.1:9 cannot be reached" in str(error)


@pytest.mark.parametrize("url", ["", "http://h/", f"amqp://guest:{SECRET}@h:port/", "amqp://"])
def test_an_address_that_is_none_is_refused_with_its_form(url: str) -> None:
    with pytest.raises(UsageError, match="Write amqp://USER:PASSWORD@HOST:5672/VHOST") as refused:
        RabbitSink(RabbitSettings(url=url, routing_key="k"))
    assert SECRET not in str(refused.value)


@pytest.mark.slow
def test_a_frozen_broker_is_an_outage_and_all_goes_on_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footfall.sinks.rabbitmq._PATIENCE", 2.0)
    with RabbitMQ() as broker, RabbitSink(RabbitSettings(url=broker.url, routing_key="q", queue="q")) as sink:
        sink.send([message(1)])
        broker.freeze()
        with pytest.raises(Unavailable, match="no answer in time"):
            sink.send([message(2)])
        broker.thaw()
        sink.send([message(2)])

        assert [one.headers["offset"] for one in received(broker.url, "q")][:2] == [1, 2]
