"""The one partitions definition: a partition per title."""

import dagster as dg

titles = dg.DynamicPartitionsDefinition(name="titles")
