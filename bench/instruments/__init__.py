"""What the benches measure with: the running product, HTTP connections, interleaved rounds, tables."""
