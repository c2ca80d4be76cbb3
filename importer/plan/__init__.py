"""Rows + Clopos + journal → what to send, and what it costs."""
