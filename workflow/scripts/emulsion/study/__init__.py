"""The configuration, asked: experiments, mixtures, runs, swarms, paths, defaults, budget, account, checks."""
