"""How fast we are beside what people use instead: `make bench`."""
