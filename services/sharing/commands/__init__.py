"""Every state change of sharing, one function each, in the transaction that the edge opened."""
