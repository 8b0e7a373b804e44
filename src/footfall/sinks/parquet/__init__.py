"""Turns streams into Parquet files, a folder a day."""

from footfall.sinks.parquet.warehouse import ParquetWarehouse

__all__ = ["ParquetWarehouse"]
