"""The archive: quarter-hours of many meters, kept dense on disk for what asks all of them."""
