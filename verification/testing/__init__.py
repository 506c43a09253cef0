"""For tests of optimizers: the pytest plugin, which pytest always loads, and hypothesis strategies."""
