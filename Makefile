# make demo   inference on six sample images; says where the results are and what was found
# make test   checks and tests
# Both create .venv and install what they need first; later calls are quick.
# make weights      the default weights, trained anew from the data sets (DATA="['BUSI','BUS-BRA','BUS-UCLM']")
# make tables       the tables of the model card, studies.md and peers.md, and ablations, most of them with trainings
# make monailabel   MONAI Label on the sample images, at http://127.0.0.1:8000, from an environment of its own
#                   (STUDIES=... your images; PREDICTIONS=... results of inference on them, as first labels)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
DEMO := output/demo
LABEL_VENV := .venv-monailabel
LABEL := output/monailabel
WEIGHTS := output/weights
TABLES := output/tables
# The weights that the tables are of: they have learned from the training lists alone. `make weights` makes the like.
MEASURED ?= bundle/models/model.pt
# The text tower of their stage 1; that of `make weights` is $(WEIGHTS)/compact/0/text_tower.pt.
TEXT_TOWER ?= bundle/models/text_tower.pt
# Trainings at a time. On a CPU as many as cores, on a GPU as many as fit.
JOBS ?= 2

.PHONY: demo test benchmark weights tables data monailabel clean
.DEFAULT_GOAL := demo
# MONAI warns at every run that configs are code; those named here are the bundle's own.
export PYTHONWARNINGS := ignore:parsing config_file

demo: $(VENV)/.installed
	$(PY) -m monai.bundle run inference --config_file bundle/configs/inference.json --bundle_root bundle \
	    --dataset_dir bundle/sample_data/dicom --output_dir $(DEMO) --overwrite true
	@PYTHONPATH=bundle $(PY) -m scripts.inference.show_results $(DEMO)

test: $(VENV)/.installed-dev
	$(PY) -m ruff check .
	OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --dist worksteal

benchmark: $(VENV)/.installed
	$(PY) benchmarks/inference_speed.py

# Default weights trained anew by the recipe, and calibrated. Hours without a GPU.
weights: $(VENV)/.installed data
	$(PY) benchmarks/default_weights.py --dataset_dir "$(DATA)" --output_dir $(WEIGHTS)

# Evaluation, calibration, subgroups and studies of the weights in minutes; then the tables with trainings of their
# own: ablation, peers, sets left out. Hours without a GPU.
tables: $(VENV)/.installed-dev data $(MEASURED)
	$(PY) benchmarks/card_tables.py --dataset_dir "$(DATA)" --jobs $(JOBS) --weights $(MEASURED) \
	    --text_tower $(TEXT_TOWER) --output_dir $(TABLES)/card
	$(PY) benchmarks/ablation.py --dataset_dir "$(DATA)" --jobs $(JOBS) --output_dir $(TABLES)/ablation
	$(PY) benchmarks/peers.py --dataset_dir "$(DATA)" --jobs $(JOBS) --weights $(MEASURED) --output_dir $(TABLES)/peers
	$(PY) benchmarks/leave_one_set_out.py --dataset_dir "$(DATA)" --jobs $(JOBS) --output_dir $(TABLES)/left_out

data:
	@test -n "$(DATA)" || { echo "Name the data sets: make $(MAKECMDGOALS) DATA=\"['BUSI','BUS-BRA','BUS-UCLM']\"" >&2; exit 2; }

monailabel: $(LABEL_VENV)/.installed
	@mkdir -p $(LABEL)/studies
	@cp -u bundle/sample_data/training/images/*.png $(LABEL)/studies
	@for n in 001 002 003; do cp -u bundle/sample_data/dicom/SAMPLE-$$n/us.dcm $(LABEL)/studies/sample-$$n.dcm; done
	PATH="$(CURDIR)/$(LABEL_VENV)/bin:$$PATH" bundle/monai_label/start $(LABEL) "$(or $(STUDIES),$(LABEL)/studies)" \
	    $(if $(PREDICTIONS),--predictions "$(PREDICTIONS)")

clean:
	rm -rf $(VENV) $(LABEL_VENV) output

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.10 or newer is needed; name it with make PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# pyradiomics 3.0.1 does not name what it is built with: these come first, and its build must see them.
$(VENV)/.installed: requirements.txt requirements-build.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV); the first time this takes some minutes."
	$(PIP) install --no-compile -r requirements-build.txt
	$(PIP) install --no-compile --no-build-isolation "$$(grep '^pyradiomics' requirements.txt)"
	$(PIP) install --no-compile -r requirements.txt
	@touch $@

# Tests start Python many times, also where it may not keep what it compiles: compiled once, each start takes a third.
$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(PIP) install --no-compile -r requirements-dev.txt
	@$(PY) -m compileall -q -j 0 $(VENV)/lib >/dev/null || true
	@touch $@

$(LABEL_VENV)/.installed: requirements-monailabel.txt
	@echo "Installing MONAI Label into $(LABEL_VENV); the first time this takes many minutes."
	test -x $(LABEL_VENV)/bin/python || $(PYTHON) -m venv $(LABEL_VENV)
	$(LABEL_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --prefer-binary -r $<
	@touch $@
