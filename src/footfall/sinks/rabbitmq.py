"""Turns messages into persistent messages of RabbitMQ, each confirmed by the broker.

aio-pika works in an event loop; the loop runs in a thread of its own here, so that heartbeats go on between two calls.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import aio_pika
import aiormq
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from yarl import URL

from footfall.core.errors import FootfallError, Unavailable, UsageError
from footfall.sinks.messages import Message

_PATIENCE: Final = 15.0
"""Seconds that the broker may take for a connection, and to confirm what was sent."""
_GOODBYE: Final = 2.0
"""Seconds for taking leave; the broker does without."""
_SETTLES: Final = 3.0
"""Seconds from making a queue to the first message. RabbitMQ has definitions on disk only a moment later: when it is
killed before, it forgets the queue, with all the messages in it that it has confirmed."""
_SCHEMES: Final = ("amqp", "amqps")
_OUTAGES: Final = (
    aiormq.exceptions.AMQPError,
    OSError,
    TimeoutError,
    asyncio.CancelledError,
    asyncio.InvalidStateError,
    RuntimeError,  # of the client, when a channel or connection was closed a moment ago
)
_T = TypeVar("_T")

for _vendor in ("aio_pika", "aiormq"):  # they log outages with tracebacks; we say them in a line
    logging.getLogger(_vendor).setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitSettings:
    """Where messages go."""

    url: str
    """``amqp://user:password@host:5672/vhost``, or ``amqps://`` for TLS. Holds a secret: never show it."""
    routing_key: str
    exchange: str = ""
    """Empty is RabbitMQ's own, which hands a message to the queue that its routing key names."""
    queue: str | None = None
    """A queue to make and to bind, so that nothing is lost before somebody listens; None leaves that to others."""


class RabbitSink:
    """Messages into one exchange. Connects when there is something to send, and again after an outage."""

    def __init__(self, settings: RabbitSettings) -> None:
        self._settings = settings
        self._url = _parsed(settings.url)
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None
        self._new = False
        """Whether the queue or the exchange was made just now."""
        self._worked = False
        """Whether it was ever connected: then what fails later is an outage."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rabbitmq", daemon=True)
        self._thread.start()

    def send(self, messages: Sequence[Message]) -> None:
        """See MessageSink. A message that no queue takes, or that a queue refuses, is Unavailable: it waits."""
        self._in_loop(self._send(messages))

    def close(self) -> None:
        """Let go of the connection, and end the thread."""
        self._in_loop(self._disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _in_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # -- in the loop --------------------------------------------------------------------------------------

    async def _send(self, messages: Sequence[Message]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                exchange = self._exchange or await self._connect()
            if self._new:
                await asyncio.sleep(_SETTLES)
                self._new = False
            async with asyncio.timeout(_PATIENCE):
                await self._publish(exchange, messages)
        except BaseException as error:
            await self._disconnect()
            if isinstance(error, _OUTAGES):
                raise self._ours(error) from None  # the cause's text might hold the address
            raise

    async def _publish(self, exchange: AbstractExchange, messages: Sequence[Message]) -> None:
        """All at once, in order, and then wait for all confirmations: the slowest counts, not their sum."""
        key = self._settings.routing_key
        sent = [exchange.publish(_amqp(one), key, mandatory=True) for one in messages]
        done = await asyncio.gather(*sent, return_exceptions=True)
        failed = [result for result in done if isinstance(result, BaseException)]
        if failed:
            raise failed[0]

    async def _connect(self) -> AbstractExchange:
        self._connection = await aio_pika.connect(self._url, timeout=_PATIENCE)
        await self._make_queue(self._connection)
        channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        self._exchange = await self._exchange_on(channel)
        self._worked = True
        return self._exchange

    async def _exchange_on(self, channel: AbstractChannel) -> AbstractExchange:
        name = self._settings.exchange
        if not name:
            return channel.default_exchange
        return await channel.get_exchange(name, ensure=False)

    async def _make_queue(self, connection: AbstractConnection) -> None:
        """Exchange and queue, durable, unless they are there: then they stay as they are."""
        settings, new = self._settings, False
        if settings.exchange and not await _there(connection, exchange=settings.exchange):
            new = True
            async with connection.channel() as channel:
                await channel.declare_exchange(settings.exchange, aio_pika.ExchangeType.TOPIC, durable=True)
        if settings.queue is not None:
            there = await _there(connection, queue=settings.queue)
            new = new or not there
            async with connection.channel() as channel:
                queue = await channel.declare_queue(settings.queue, durable=True, passive=there)
                if settings.exchange:
                    await queue.bind(settings.exchange, settings.routing_key)
        self._new = self._new or new  # also when this connection broke before anything was sent

    async def _disconnect(self) -> None:
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            try:
                async with asyncio.timeout(_GOODBYE):
                    await connection.close()
            except _OUTAGES:
                pass  # it is gone already

    # -- what went wrong ----------------------------------------------------------------------------------

    def _ours(self, error: BaseException) -> FootfallError:
        where, errors = f"RabbitMQ at {self._where}", aiormq.exceptions
        if isinstance(error, errors.PublishError):
            return Unavailable(
                f"{where}: no queue takes what is sent to {self._target}.",
                remedy="Bind a queue there, or let Footfall make one with --queue. The messages wait in the log.",
            )
        if isinstance(error, errors.DeliveryError):
            return Unavailable(
                f"{where} has refused a message for {self._target}.",
                remedy="Is a queue full that rejects when it is? The messages wait in the log.",
            )
        if isinstance(error, errors.AuthenticationError | errors.ProbableAuthenticationError):
            return self._setting(f"{where} does not let {self._user} in.", "Check user and password in the address.")
        if isinstance(error, errors.InvalidFrameError):  # so the client tells that the broker closed at once
            return self._setting(
                f"{where} does not open the virtual host {self._vhost} to {self._user}.",
                "Check its name at the end of the address, and the user's rights there.",
            )
        if isinstance(error, errors.ConnectionNotAllowed | errors.ChannelAccessRefused):
            return self._setting(
                f"{where} does not allow {self._user} this: {self._said(error)}.",
                f"Check the virtual host {self._vhost} in the address, and the user's rights there.",
            )
        if isinstance(error, errors.ChannelPreconditionFailed):
            return self._setting(f"{where}: {self._said(error)}.", "Name another exchange or queue.")
        said = "no answer in time" if isinstance(error, TimeoutError) else self._said(error)
        return Unavailable(f"{where} cannot be reached: {said}.", remedy="Is it running? It is tried again.")

    def _setting(self, message: str, remedy: str) -> FootfallError:
        """A wrong setting; if it worked before, somebody is at work there, and it is tried again."""
        return (Unavailable if self._worked else UsageError)(message, remedy=remedy)

    def _said(self, error: BaseException) -> str:
        """What the vendor says, in one line and without the secret."""
        text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        for secret in filter(None, (self._url.raw_password, self._url.password)):
            text = text.replace(secret, "***")
        return text

    @property
    def _where(self) -> str:
        return f"{self._url.host}:{self._url.port or (5671 if self._url.scheme == 'amqps' else 5672)}"

    @property
    def _user(self) -> str:
        return self._url.user or "guest"

    @property
    def _vhost(self) -> str:
        return self._url.path[1:] or "/"

    @property
    def _target(self) -> str:
        settings = self._settings
        if not settings.exchange:
            return f"the queue {settings.routing_key}"
        return f"the exchange {settings.exchange} with the routing key {settings.routing_key}"


async def _there(connection: AbstractConnection, *, exchange: str = "", queue: str = "") -> bool:
    """Whether there is one of this name. To ask costs a channel if there is none."""
    channel = await connection.channel()
    try:
        if exchange:
            await channel.get_exchange(exchange, ensure=True)
        else:
            await channel.get_queue(queue, ensure=True)
    except aiormq.exceptions.ChannelNotFoundEntity:
        return False
    await channel.close()
    return True


def _parsed(text: str) -> URL:
    try:
        url = URL(text)
        if url.scheme in _SCHEMES and url.host:
            return url
    except ValueError:
        pass  # its text would show the address
    raise UsageError(
        "The address of RabbitMQ is none.", remedy="Write amqp://USER:PASSWORD@HOST:5672/VHOST (amqps:// for TLS)."
    )


def _amqp(message: Message) -> aio_pika.Message:
    return aio_pika.Message(
        message.body,
        message_id=message.id,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        timestamp=None if message.time_ms is None else message.time_ms // 1_000,
        headers={"stream": message.stream, "partition": message.partition, "offset": message.offset},
    )
