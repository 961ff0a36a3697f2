"""The configuration, asked: experiments, runs, swarms, paths, recipes, budget, checks."""
