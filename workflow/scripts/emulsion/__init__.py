"""Emulsion: find the data mixture a language model should be trained on.

The house has floors. A module imports from its own floor and those below, never from above (tests/unit/test_floors.py):

6  report, figures                        what people look at
5  study                                  the configuration, asked: experiments, runs, paths, budget, checks
4  analysis                               decisions: comparisons, significance, contributions, criteria
3  training, evaluation                   the two things that run a model
2  methods                                what decides mixtures
1  data, synthetic, laws, merging, world  data in, batches out; laws; simulated worlds
0  the modules of this folder             the nouns (mixture, schedule, plan, spec, models); files, errors, command and
                                          the like; what a call of Snakemake and its jobs tell one another

No module imports Snakemake: the rules call thin scripts, the scripts call this library.
"""

__version__ = "0.1.0"
