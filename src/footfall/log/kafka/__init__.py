"""Turns a Kafka cluster, and a store for checkpoints, into a log."""

from footfall.log.kafka.log import KafkaLog
from footfall.log.kafka.membership import Membership
from footfall.log.kafka.settings import KafkaSettings, shown
from footfall.log.kafka.topics import Topics

__all__ = ["KafkaLog", "KafkaSettings", "Membership", "Topics", "shown"]
