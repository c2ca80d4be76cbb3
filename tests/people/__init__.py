"""Who a row is: the real command against the real sandbox."""
