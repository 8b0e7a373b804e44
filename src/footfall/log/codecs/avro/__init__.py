"""Turns batches into Avro messages in the Confluent wire format, with a schema registry, and back."""

from footfall.log.codecs.avro.codec import AvroCodec as AvroCodec
from footfall.log.codecs.avro.registry import Registry as Registry
