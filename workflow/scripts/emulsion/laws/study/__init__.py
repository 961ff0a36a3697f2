"""What sweeps of mixtures say about mixing laws: from `results/{experiment}/swarms/{swarm}/*.json` to fits and tables.

Pure functions on the contents of files, keyed by the names of groups and sources, in the experiment's order; only
`rows.read_sweep` reads files. Losses are nats per token.
"""
