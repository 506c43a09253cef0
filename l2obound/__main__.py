"""`python -m l2obound` is the command `l2obound`."""

from .verification.cli.app import main

main()
