"""Looks at RabbitMQ from outside, as any other client does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

T = TypeVar("T")


def _on_channel(url: str, work: Callable[[AbstractChannel], Awaitable[T]]) -> T:
    async def do() -> T:
        connection = await aio_pika.connect(url)
        async with connection, connection.channel() as channel:
            return await work(channel)

    return asyncio.run(do())


def received(url: str, queue: str) -> list[AbstractIncomingMessage]:
    """All messages of a queue, which is empty then."""

    async def work(channel: AbstractChannel) -> list[AbstractIncomingMessage]:
        source = await channel.get_queue(queue)
        found = []
        while (message := await source.get(no_ack=True, fail=False)) is not None:
            found.append(message)
        return found

    return _on_channel(url, work)


def arguments(url: str, queue: str, values: Mapping[str, Any]) -> None:
    """Make a queue that is not as Footfall would make it."""

    async def work(channel: AbstractChannel) -> None:
        await channel.declare_queue(queue, durable=True, arguments=dict(values))

    _on_channel(url, work)


def bind(url: str, exchange: str, queue: str, key: str, *, kind: str = "topic") -> None:
    """Let what is sent to the exchange with this key go into the queue."""

    async def work(channel: AbstractChannel) -> None:
        source = await channel.declare_exchange(exchange, kind, durable=True)
        target = await channel.get_queue(queue, ensure=False)
        if kind == "topic":
            target = await channel.declare_queue(queue, durable=True)
        await target.bind(source, key)

    _on_channel(url, work)
