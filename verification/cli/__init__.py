"""The command `l2obound`: its verbs, and what they share."""
