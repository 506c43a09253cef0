"""From the arrays of a run to numbers for both sides of a bound, each with a bound on its rounding error.

`inputs` checks what is given, `measure` and `gram` take quantities from arrays and from inner products, `scalars` from
plain numbers, and `container` holds them. `ball` is a number with its error, and `evaluate` puts balls into formulas.
Users call all this through `bounds.quantities`, `bounds.Ball` and `bounds.evaluate_expression`.
"""
