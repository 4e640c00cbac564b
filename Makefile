PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUBJECTS ?= 240
PERSON := OAS30002
DEVICE ?= cpu
ON_CORES := preparation bucket million help predict
ON_DEVICE := feeding info_nce chunks tsm step epoch resume

NUMERIC := tests/encoders tests/losses tests/modules tests/training tests/data
AVX2 := ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2
SSE41 := ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default

.PHONY: demo test test-processors bench interchange check clean

demo: $(VENV)/.installed
	$(BIN)/python -m clinimcl.phantom layout=oasis3 out=runs/phantom subjects=$(SUBJECTS)
	$(BIN)/python -m clinimcl.train experiment=demo change=three_way_intra cohort.root=runs/phantom \
		run=runs/demo ckpt_path=last
	$(BIN)/python -m clinimcl.export run=runs/demo out=runs/demo/model page=runs/demo/answer/page.html
	$(BIN)/python -m clinimcl.predict model=runs/demo/model out=runs/demo/answer \
		earlier=$$(ls runs/phantom/$(PERSON)_*/anat*/*.nii.gz | head -1) later=$$(ls runs/phantom/$(PERSON)_*/anat*/*.nii.gz | tail -1)

test: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -q

# The tests whose numbers a processor's instructions decide, as one with AVX2 alone and one with SSE4.1 alone compute them.
test-processors: $(VENV)/.installed
	for processor in '$(AVX2)' '$(SSE41)'; do \
		env OMP_NUM_THREADS=1 $$processor $(BIN)/python -m pytest -n 2 --dist loadfile -q $(NUMERIC) || exit 1; done

# Beside the field's tools, on a machine that does nothing else; each is also a command of its own.
# make bench DEVICE=cuda measures what knows a device on a GPU.
bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	for name in $(ON_CORES); do $(BIN)/python -W ignore benchmarks/$$name.py || exit 1; done
	for name in $(ON_DEVICE); do $(BIN)/python -W ignore benchmarks/$$name.py --device $(DEVICE) || exit 1; done

# A scan and a loop through what other tools write; a tool that is not installed is skipped. With real ones where
# CLINIMCL_REAL_DATA names their folder. Debian's: dcm2niix dcmtk ffmpeg libgdcm-tools mrtrix3 nifti-bin plastimatch
interchange: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group interchange --editable '.[dicom]'
	wrong=0; for name in volumes clips; do $(BIN)/python -W ignore interchange/$$name.py || wrong=1; done; exit $$wrong

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# torch first: a free range elsewhere would take its newest CUDA build.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "clinimcl needs Python 3.11 to 3.13: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev --editable '.[train]'
	touch $@

clean:
	rm -rf $(VENV) runs
