"""The page in the browser, over real sockets."""
