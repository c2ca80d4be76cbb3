"""The page of `clopos-import ui`, over real sockets."""
