"""Figures of a load test, merged exactly across processes. Imports neither gevent nor locust."""

from load.metrics.batch import Batch
from load.metrics.figures import RATES, TIMES, Figures, Limits, Metrics, total
from load.metrics.histogram import PERCENTILES, Histogram, rounded
from load.metrics.series import Series, spread

__all__ = [
    "PERCENTILES",
    "RATES",
    "TIMES",
    "Batch",
    "Figures",
    "Histogram",
    "Limits",
    "Metrics",
    "Series",
    "rounded",
    "spread",
    "total",
]
