"""What a run is like: how far from Assumption 1, at which rate, and three claims that are easily refuted."""
