"""Documents of runs beside each other, and what one says of well-known clients. Nothing here sends or judges."""
