"""The checks of the edge: one module a theme. `tests/checks/edge` lists and runs them."""
