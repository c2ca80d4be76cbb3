"""Build tools: catalogues, pages, screenshots, the crash test."""
