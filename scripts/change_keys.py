"""
Change Kie.ai's keys in the deployed gateway's secret: `make kie-keys`.

Asks for each key, unless KIE_API_KEY, KIE_WEBHOOK_HMAC_KEY, KIE_HISTORY_TOKEN or
KIE_HISTORY_UNIQUE_ID is set. An API key that Kie.ai refuses is not stored. New keys take effect
within five minutes.
"""

import argparse

from sam_template.parameters import KIE_SECRET
from scripts.kie_secret import KieSecret, ask_for_keys
from scripts.stack import run, stack_parameters, usual_stack


def main() -> None:
    """Change them."""
    parser = argparse.ArgumentParser(prog="make kie-keys", description=__doc__.strip())
    parser.add_argument("--stack", default=usual_stack(), help="name of the deployed stack")
    deployed = stack_parameters(parser.parse_args().stack)
    secret = KieSecret(deployed[KIE_SECRET])
    known = secret.read()
    keys = ask_for_keys(deployed["KieBaseUrl"], known)
    if keys == known:
        print("Nothing has changed.")
        return
    secret.replace(keys)
    print("The new keys take effect within five minutes; `make webhooks` shows what is accepted.")


if __name__ == "__main__":
    run(main)
