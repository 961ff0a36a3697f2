"""A swarm small enough to train in a test."""

STEP = 8 * 24
SOURCES = ["alpha", "beta", "gamma"]
MIXTURES = {
    "sweep_00": {"alpha": 0.6, "beta": 0.3, "gamma": 0.1},
    "sweep_01": {"gamma": 1.5, "beta": 0.5},
    "stratified": {"alpha": 1, "beta": 1, "gamma": 1},
    "only_alpha": {"alpha": 1.0},
}
POINTS = ["sweep_00", "sweep_01"]
EARLY = {"after": 4 * STEP, "tokens": 2 * STEP, "mixtures": POINTS, "corners": ["only_alpha"]}
REST = {"after": 6 * STEP, "tokens": 6 * STEP, "mixtures": POINTS, "corners": []}
TRUNKS = [
    {"run": "sweep_00", "mixture": "sweep_00", "seed": 0, "finish": True, "branches": ["rest", "early"]},
    {"run": "sweep_01-seed1", "mixture": "sweep_01", "seed": 1, "finish": True, "branches": []},
    {"run": "stratified", "mixture": "stratified", "seed": 0, "finish": False, "branches": ["early"]},
]
WHOLE = 12 + (3 * 2 + 2 * 6) + 12 + (4 + 3 * 2)  # the steps that all of them take
