"""The commands, the terminal and its prompts."""

from importer.cli.main import main

__all__ = ["main"]
