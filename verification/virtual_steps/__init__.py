"""Steps out of distribution against the paired steps in distribution: states, pairs, attribution, Jacobians."""
