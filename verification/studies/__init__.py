"""One question each, answered with numbers, figures, a table and a page."""
