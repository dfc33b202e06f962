"""Logs and metrics: one logger, one set of metrics, both with the task's id at hand."""

import warnings

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# A request that counts nothing is no fault.
warnings.filterwarnings("ignore", message="No application metrics to publish")

logger = Logger(utc=True, use_rfc3339=True, log_uncaught_exceptions=True)
metrics = Metrics()


def gauge(name: str, level: float) -> None:
    """Record how much there is of something."""
    metrics.add_metric(name=name, unit=MetricUnit.NoUnit, value=level)


def count(name: str, amount: float = 1) -> None:
    """Count something that happened."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=amount)
