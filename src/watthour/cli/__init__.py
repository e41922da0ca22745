"""The command line: words to plans, plans to hosts."""

from watthour.cli.main import main

__all__ = ["main"]
