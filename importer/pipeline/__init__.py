"""The route, as Python calls: `check` offline, `run` all the way."""
