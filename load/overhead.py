"""What a gateway adds: each request is sent through it and straight to its provider, and the two are compared.

The differences of the pairs are what is judged, not the difference of two percentiles: what both ways share (the
prompt, the hour, the client's own lateness) falls out. Imports neither gevent nor locust.
"""

import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import NormalDist, fmean, stdev
from typing import Any

from load.metrics import rounded
from load.result import StreamResult

ADDED = ("ttft_s", "itl_s", "e2e_s", "longest_gap_s")
TITLES = {"ttft_s": "TTFT", "itl_s": "ITL (mean of a stream)", "e2e_s": "end to end", "longest_gap_s": "longest gap"}
CONFIDENCE = 0.95
BUNCHED = 0.2
"""A gap below this share of its stream's mean gap: the event came together with the one before it."""
BUNCHED_MORE = 0.05
RESHAPED = 0.03
"""By so much may tokens an event differ before events count as merged or split."""
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
_SMALL_T = (math.inf, 12.706, 4.303, 3.182, 2.776)
"""Student's quantile for 0 to 4 degrees of freedom, where the expansion below is not exact enough."""
WAYS = VIA, DIRECT = ("via", "direct")


class Pairs:
    """Pairs of results of one request, `via` the gateway and `direct` from its provider. Pairs in which one failed are
    counted and not compared. What is added is fresh until it is taken, by this process or by its master."""

    def __init__(self) -> None:
        self._fresh = _Compared()
        self._all = _Compared()

    def clear(self) -> None:
        self._fresh, self._all = _Compared(), _Compared()

    def add(self, via: StreamResult, direct: StreamResult) -> None:
        """Compares the two answers of one pair."""
        self._fresh.add(via, direct)

    def take(self) -> dict[str, Any]:
        """What is fresh, in lists, dicts and numbers only."""
        taken, self._fresh = self._fresh, _Compared()
        return {"added": {name: list(values) for name, values in taken.added.items()}, "counts": dict(taken.counts)}

    def receive(self, taken: Mapping[str, Any]) -> None:
        for name, values in taken["added"].items():
            self._all.added[name].extend(values)
        self._all.counts.update(taken["counts"])

    def summary(self) -> dict[str, Any] | None:
        """`overhead` of a load.json; None where nothing was compared. Differences are in seconds."""
        counts = self._all.counts
        if not counts["pairs"]:
            return None
        added = {name: estimate(values) for name, values in self._all.added.items()}
        shape = {way: _shape(counts, way) for way in WAYS}
        return {
            "pairs": counts["pairs"],
            "failed": {way: counts[f"failed_{way}"] for way in WAYS},
            "confidence": CONFIDENCE,
            "added": added,
            "shape": shape,
            "findings": [*_added_sentences(added), *_shape_sentences(shape[VIA], shape[DIRECT])],
        }


class _Compared:
    __slots__ = ("added", "counts")

    def __init__(self) -> None:
        self.added = {name: array("d") for name in ADDED}
        self.counts: Counter[str] = Counter()

    def add(self, via: StreamResult, direct: StreamResult) -> None:
        counts, added = self.counts, self.added
        counts["pairs"] += 1
        for way, result in zip(WAYS, (via, direct), strict=True):
            counts[f"failed_{way}"] += result.failure is not None
        if via.failure is not None or direct.failure is not None:
            return
        added["e2e_s"].append(via.e2e_s - direct.e2e_s)
        if via.ttft_s is not None and direct.ttft_s is not None:
            added["ttft_s"].append(via.ttft_s - direct.ttft_s)
        if via.gaps_s and direct.gaps_s:
            added["itl_s"].append(fmean(via.gaps_s) - fmean(direct.gaps_s))
            added["longest_gap_s"].append(max(via.gaps_s) - max(direct.gaps_s))
        for way, result in zip(WAYS, (via, direct), strict=True):
            if result.ttft_s is None:
                continue
            counts[f"streams_{way}"] += 1
            counts[f"events_{way}"] += result.events
            counts[f"content_events_{way}"] += result.content_events
            counts[f"reads_{way}"] += result.reads
            counts[f"tokens_{way}"] += result.tokens or 0
            if gaps := result.gaps_s:
                counts[f"gaps_{way}"] += len(gaps)
                little_s = BUNCHED * fmean(gaps)
                counts[f"bunched_{way}"] += sum(gap < little_s for gap in gaps)


def estimate(values: Sequence[float]) -> dict[str, Any]:
    """Mean and median of paired differences, each with the interval that holds the true one with 95 % confidence:
    Student's for the mean, that of the order statistics for the median, which no outlier moves."""
    count = len(values)
    ordered = sorted(values)
    mean = fmean(values) if count else None
    margin = student(count - 1) * stdev(values) / math.sqrt(count) if count > 1 else None
    return {
        "count": count,
        "mean": rounded(mean),
        "mean_interval": None if mean is None or margin is None else [rounded(mean - margin), rounded(mean + margin)],
        "p50": rounded(_median(ordered)),
        "p50_interval": _median_interval(ordered),
        "p95": rounded(ordered[math.ceil(0.95 * count) - 1]) if count else None,
    }


def student(freedom: int) -> float:
    """The two-sided 95 % quantile of Student's distribution with so many degrees of freedom."""
    if freedom < len(_SMALL_T):
        return _SMALL_T[max(freedom, 0)]
    z = _Z
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _median(ordered: Sequence[float]) -> float | None:
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2 if ordered else None


def _median_interval(ordered: Sequence[float]) -> list[float | None] | None:
    half = _Z * math.sqrt(len(ordered)) / 2
    low, high = math.floor(len(ordered) / 2 - half), math.ceil(len(ordered) / 2 + half) + 1
    if low < 1 or high > len(ordered):
        return None
    return [rounded(ordered[low - 1]), rounded(ordered[high - 1])]


def _shape(counts: Mapping[str, int], way: str) -> dict[str, Any]:
    """How the streams of one way are cut into events and reads."""
    streams, content = counts[f"streams_{way}"], counts[f"content_events_{way}"]
    return {
        "streams": streams,
        "content_events_per_stream": _ratio(content, streams),
        "tokens_per_event": _ratio(counts[f"tokens_{way}"], content) or None,
        "events_per_read": _ratio(counts[f"events_{way}"], counts[f"reads_{way}"]),
        "bunched": _ratio(counts[f"bunched_{way}"], counts[f"gaps_{way}"]),
    }


def _added_sentences(added: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = []
    for name, title in TITLES.items():
        value, interval = added[name]["p50"], added[name]["p50_interval"]
        if value is None:
            continue
        if interval is None:
            found.append(f"{title}: {_ms(value)} added at the median, of too few pairs to say how sure that is")
        elif interval[0] <= 0 <= interval[1]:
            found.append(f"{title}: no difference that {added[name]['count']} pairs can show ({_between(interval)})")
        else:
            verb, around = ("added", interval) if value > 0 else ("saved", [-interval[1], -interval[0]])
            found.append(f"{title}: {_ms(abs(value))} {verb} at the median ({_between(around)})")
    return found


def _shape_sentences(via: Mapping[str, Any], direct: Mapping[str, Any]) -> list[str]:
    if not via["streams"] or not direct["streams"]:
        return []
    found = []
    name = "tokens_per_event" if via["tokens_per_event"] and direct["tokens_per_event"] else "content_events_per_stream"
    before, after = direct[name], via[name]
    ratio = after / before if before else 1.0
    merges = ratio if name == "tokens_per_event" else 1 / ratio if ratio else math.inf
    told = f"{name.replace('_', ' ')} {after:.4g}, from the provider {before:.4g}"
    if merges > 1 + RESHAPED:
        found.append(f"the gateway merges events: {told}")
    elif merges < 1 - RESHAPED:
        found.append(f"the gateway splits events: {told}")
    if via["bunched"] is not None and via["bunched"] > (direct["bunched"] or 0) + BUNCHED_MORE:
        found.append(
            f"the gateway holds events back and sends several at once: {via['bunched']:.0%} of them came right after"
            f" the one before, from the provider {direct['bunched'] or 0:.0%}"
        )
    return found or ["the gateway passes every event on by itself, as it came"]


def _ratio(count: int, per: int) -> float | None:
    return round(count / per, 4) if per else None


def _between(interval: Sequence[float]) -> str:
    return f"95 % confidence: {_ms(interval[0])} to {_ms(interval[1])}"


def _ms(value_s: float) -> str:
    return f"{value_s * 1000:.3g} ms"
