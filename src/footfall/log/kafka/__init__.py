"""Turns a Kafka cluster, and a store for checkpoints, into a log."""

from footfall.log.kafka.log import KafkaLog
from footfall.log.kafka.settings import KafkaSettings

__all__ = ["KafkaLog", "KafkaSettings"]
