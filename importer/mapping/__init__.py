"""Headers and what the columns hold → our nine fields."""
