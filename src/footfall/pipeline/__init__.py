"""Turns ``footfall.yaml``, manifests and the built-in defaults into a pipeline.

What users declare themselves, streams and processors, is in ``declared`` and ``manifests``: few services need it.
"""

from footfall.pipeline.settings import (
    EMBEDDED,
    ENRICHMENT,
    FILE,
    FOLLOWERS,
    PROCESSORS,
    Addresses,
    DataDirectory,
    Pipeline,
    read_addresses,
    read_pipeline,
    read_section,
)

__all__ = [
    "EMBEDDED",
    "ENRICHMENT",
    "FILE",
    "FOLLOWERS",
    "PROCESSORS",
    "Addresses",
    "DataDirectory",
    "Pipeline",
    "read_addresses",
    "read_pipeline",
    "read_section",
]
