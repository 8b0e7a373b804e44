"""Turns errors of the Kafka client into ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from footfall.core.errors import Failure, FootfallError, Unavailable, UsageError

_FORBIDDEN: Final = (
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)
_TOO_LARGE: Final = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE)
_WRONG: Final = (KafkaError._INVALID_ARG, KafkaError.INVALID_CONFIG, KafkaError.POLICY_VIOLATION)


@contextmanager
def our_errors(brokers: str, what: str) -> Iterator[None]:
    """Raise the client's errors as ours; ``what`` says what was tried."""
    try:
        yield
    except KafkaException as error:
        raise failure(error.args[0], brokers, what) from error
    except BufferError as error:
        raise Unavailable(f"{what}: more waits to be sent to Kafka at {brokers} than fits.") from error


def failure(error: KafkaError, brokers: str, what: str) -> FootfallError:
    """What an error of the client means for the caller."""
    code, said = error.code(), error.str()
    if code in _FORBIDDEN:
        return Failure(
            f"{what}: Kafka at {brokers} does not allow it ({said}).",
            remedy="Check user, password and rights (ACLs) of this address.",
        )
    if code in _TOO_LARGE:
        return Failure(
            f"{what}: a message is larger than Kafka at {brokers} takes ({said}).",
            remedy="Raise max.message.bytes of the topic and message.max.bytes of the brokers.",
        )
    if code in _WRONG:
        return UsageError(f"{what}: Kafka at {brokers} refuses it ({said}).")
    return Unavailable(
        f"{what}: Kafka at {brokers} could not do it ({said}).", remedy="Is it running, and is the address right?"
    )
