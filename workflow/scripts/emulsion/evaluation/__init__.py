"""What a trained model can do: losses per source, capability suites, and the intervals around both.

`suites`, `checks`, `tables`, `halves`, `settings`, `intervals` and `bootstrap` need no torch, so that a configuration
is checked cheaply.
"""
