"""Many brands, many workers."""
