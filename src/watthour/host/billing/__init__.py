"""Billing's files: contracts, tariffs, price lists and invoices in, readings from anywhere, bills and reports out."""
