"""The whole gateway on this machine: `python -m dev`, no AWS account and no containers."""

import os

# moto makes a boto3 session while it is imported, and would look a person's profile up.
for _name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
    os.environ.pop(_name, None)
