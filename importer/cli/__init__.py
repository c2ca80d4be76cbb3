"""The commands, the terminal and its prompts."""

from importer.cli.commands import main

__all__ = ["main"]
