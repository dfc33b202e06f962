"""
Show whether Kie.ai's webhooks arrive: `make webhooks`.

The exit code is 1 if they are refused; a wrong webhook key makes all of them be refused.
"""

import argparse
from datetime import timedelta

import boto3

from kie_gateway.flows.record_webhook import Recorded
from kie_gateway.wiring.clock import utc_now
from scripts.stack import run, usual_stack

# functions/callback/app.py counts them; template.yaml names the namespace.
_NAMESPACE = "KieGateway"
_REFUSED = "WebhookRefused"
_TAKEN = [f"Webhook{one.value.title()}" for one in Recorded]


def main() -> int:
    """Count them."""
    parser = argparse.ArgumentParser(prog="make webhooks", description=__doc__.strip())
    parser.add_argument("--stack", default=usual_stack(), help="name of the deployed stack")
    parser.add_argument("--hours", type=int, default=24, help="how far to look back")
    options = parser.parse_args()
    refused = _sum(options.stack, _REFUSED, options.hours)
    taken = sum(_sum(options.stack, name, options.hours) for name in _TAKEN)
    print(f"webhooks in {options.hours} hours: {taken} accepted, {refused} refused")
    if refused and not taken:
        print(
            "All were refused: the webhook key is not the one at Kie.ai. `make kie-keys` fixes it."
        )
    elif refused:
        print(
            "Some were refused: forgeries, or the key was changed. Logs say why: webhook refused."
        )
    elif not taken:
        print(
            "None has arrived: has a task been created, and can Kie.ai reach the gateway's address?"
        )
    return 1 if refused else 0


def _sum(stack: str, metric: str, hours: int) -> int:
    now = utc_now()
    found = boto3.client("cloudwatch").get_metric_statistics(
        Namespace=_NAMESPACE,
        MetricName=metric,
        Dimensions=[{"Name": "service", "Value": stack}],
        StartTime=now - timedelta(hours=hours),
        # What came this second counts, too.
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )
    return sum(int(point["Sum"]) for point in found["Datapoints"])


if __name__ == "__main__":
    run(main)
