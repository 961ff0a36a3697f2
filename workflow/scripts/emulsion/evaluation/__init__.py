"""What a trained model can do: losses per source, capability suites, and the intervals around both.

`checks`, `suites`, `settings` and `bootstrap` need no torch, so that a configuration can be checked cheaply.
"""
