# make demo and make test are all a fresh machine needs; they bring what they use into .venv. See CONTRIBUTING.md.

VENV := .venv
BIN := $(VENV)/bin
export UV_PYTHON_DOWNLOADS := never
# As pip does: behind a proxy it is the machine that knows which certificates to trust.
export UV_SYSTEM_CERTS ?= true
export MLFLOW_DISABLE_TELEMETRY := true
# What surrounds us must not decide where packages go or where a run is recorded.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH
unexport MLFLOW_TRACKING_URI MLFLOW_RUN_ID MLFLOW_EXPERIMENT_ID MLFLOW_EXPERIMENT_NAME

.PHONY: help demo test lint bench docs panel wheel clean
.DEFAULT_GOAL := help

help:  ## Say what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 14

demo: $(VENV)/.demo  ## Run a notebook project with a parameter and show the run
	$(BIN)/nbproj show notebooks/diabetes
	$(BIN)/nbproj run notebooks/diabetes -e train -P alpha=0.3

test: $(VENV)/.test  ## Run everything, and end with a table of what ran and what did not
	@$(BIN)/python tests/suites.py

lint: $(VENV)/.test  ## Check style, types and the order of the floors
	@$(BIN)/python tests/suites.py lint

bench: $(VENV)/.test  ## Measure against peers, side by side in one run
	@$(BIN)/python tests/suites.py benchmarks

docs: $(VENV)/.docs  ## Build the site into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "The site is in site/index.html"

panel: $(VENV)/.test  ## Build the panel for JupyterLab into nbproj/labextension (needs node) and show it to the JupyterLab in .venv
	@cd labextension && PATH="$(abspath $(BIN)):$$PATH" && jlpm install --immutable && jlpm build:prod
	@$(BIN)/jupyter-builder develop --overwrite .

wheel: $(VENV)/.test  ## Build sdist and wheel into dist/, with the panel in them
	@NBPROJ_PANEL=require $(BIN)/uv build --quiet --out-dir dist
	@ls dist

clean:  ## Remove what was made here (not the runs: mlflow.db and mlruns/ stay)
	rm -rf $(VENV) .venvs site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(BIN)/uv:
	@PYTHON="$(PYTHON)" .ci/venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -e . --group demo
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -e . --group test --group lint
	@touch $@

$(VENV)/.docs: pyproject.toml | $(BIN)/uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -e . --group docs
	@touch $@
