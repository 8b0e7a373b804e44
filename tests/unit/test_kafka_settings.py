"""An address of Kafka becomes settings of the clients, and its secrets never show."""

from __future__ import annotations

from datetime import timedelta

import pytest

from footfall.core.errors import UsageError
from footfall.log.kafka import KafkaSettings, shown

SECRET = "open-sesame"  # noqa: S105 - of no server


def test_an_address_alone_means_json_and_the_clients_own_choices() -> None:
    settings = KafkaSettings.parse("kafka://a:9092,b:9093")

    assert (settings.brokers, settings.format, settings.registry, settings.prefix) == (
        "a:9092,b:9093",
        "json",
        None,
        "",
    )
    assert settings.common["bootstrap.servers"] == "a:9092,b:9093"
    assert settings.topic("click-data") == "click-data"


def test_our_own_options_are_read() -> None:
    settings = KafkaSettings.parse(
        "kafka://a:9092?format=avro&registry=http://r:8081&prefix=shop.&replication=3&session_seconds=20"
    )

    assert (settings.format, settings.registry, settings.replication) == ("avro", "http://r:8081", 3)
    assert settings.topic("click-data") == "shop.click-data"
    assert settings.session == timedelta(seconds=20)
    assert settings.delivery < settings.session


def test_user_and_password_mean_sasl_over_tls() -> None:
    settings = KafkaSettings.parse(f"kafka://ann%40home:{SECRET}%2F@a:9092")

    assert settings.brokers == "a:9092"
    assert {name: settings.common[name] for name in settings.common if name.startswith(("sasl", "security"))} == {
        "sasl.username": "ann@home",
        "sasl.password": f"{SECRET}/",
        "sasl.mechanism": "PLAIN",
        "security.protocol": "SASL_SSL",
    }


def test_options_of_the_client_are_passed_on_and_win() -> None:
    options = "security.protocol=SASL_PLAINTEXT&sasl.mechanism=SCRAM-SHA-512&ssl.ca.location=/etc/ca.pem"
    settings = KafkaSettings.parse(f"kafka://ann:{SECRET}@a:9092?{options}")

    assert settings.common["security.protocol"] == "SASL_PLAINTEXT"
    assert settings.common["sasl.mechanism"] == "SCRAM-SHA-512"
    assert settings.common["ssl.ca.location"] == "/etc/ca.pem"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("kafka://", "is not the address of a Kafka cluster"),
        (f"kafka://ann:{SECRET}@a:9092/topic", "is not the address of a Kafka cluster"),
        (f"kafka://ann:{SECRET}@a:9092?formt=avro", "formt is no option"),
        (f"kafka://ann:{SECRET}@a:9092?acks=0", "acks is no option"),
        (f"kafka://ann:{SECRET}@a:9092?group.id=x", "group.id is no option"),
        (f"kafka://ann:{SECRET}@a:9092?session_seconds=soon", "session_seconds=soon is not a number"),
    ],
)
def test_a_wrong_address_is_named_without_its_secrets(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        KafkaSettings.parse(address)

    assert SECRET not in str(raised.value)


def test_secrets_are_neither_in_the_repr_nor_in_what_is_shown() -> None:
    address = f"kafka://ann:{SECRET}@a:9092?sasl.password={SECRET}"

    assert SECRET not in repr(KafkaSettings.parse(address))
    assert shown(address) == "kafka://a:9092"
