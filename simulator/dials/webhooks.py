"""Dials for webhooks."""

from __future__ import annotations

from simulator.dials.kinds import Dial, amount, switch

DIALS = (
    switch("webhook lost", "the webhook is never sent"),
    amount("webhook late", "5", "the webhook is sent 5 s after the task has ended"),
    switch("webhook early", "the task ends and its webhook is delivered before createTask answers"),
    Dial(
        "[webhook x5]",
        "five identical webhooks at the same moment",
        r"webhook x(\d{1,2})",
        "webhook copies",
        lambda found: float(found[1]),
    ),
    amount("webhook again", "20", "the webhook is sent once more, 20 s after the first"),
    switch(
        "webhook forged",
        "a forgery first (wrong signature and token, a file on another host), then the true one",
    ),
    switch(
        "webhook unreadable",
        "the webhook's body is not valid JSON, though its URL and signature are; no other follows",
    ),
    switch("webhook unsigned", "the webhook has no signature"),
    switch("webhook stale", "the webhook was signed an hour ago"),
    switch("webhook flat", "the webhook has no envelope: everything is at the top level"),
    switch("webhook other id", "the webhook, well signed, names a task that nobody knows"),
    switch("webhook minimal", "the webhook says little more than the task's id and state"),
    switch("webhook hosts", "the webhook's links lead to a host that is not Kie.ai's"),
    switch("webhook strings", "lists of links in the webhook are strings of JSON"),
    Dial(
        "[webhook code 400]",
        "with [fail]: the webhook's envelope has that code",
        r"webhook code (\d{3})",
        "webhook code",
        lambda found: float(found[1]),
    ),
)
