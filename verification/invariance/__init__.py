"""Whether an optimizer commutes with changes of variables and of units."""
