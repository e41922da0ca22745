"""The archive: readings, intervals and events of many meters in a database, their history as Parquet, and dense for what asks all."""
