"""One module for each of Kie.ai's APIs; `registry.py` says which model speaks which."""
