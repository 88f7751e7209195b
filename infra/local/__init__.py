"""The embedded stack: real servers on 127.0.0.1 for trying the product and for its tests."""
