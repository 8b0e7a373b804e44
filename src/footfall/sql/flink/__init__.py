"""Turns a file of streaming SQL into a job on a Flink cluster, by way of its SQL Gateway."""
