"""The one table of the bench: a row for each client and workload."""

from dataclasses import dataclass

HEAD = (
    f"{'part':<10}{'workload':<24}{'client':<14}{'us/event':>9}{'events/s':>10}{'cores':>7}"
    f"{'TTFT p50':>10}{'p99':>9}{'ITL p50':>9}{'p99':>9}  remark"
)


@dataclass(frozen=True, slots=True)
class Row:
    """`us` is the client's CPU per event in microseconds; `errors` are what it said less the truth, in milliseconds:
    p50 and p99 of TTFT, then of ITL. None where a figure means nothing."""

    part: str
    workload: str
    client: str
    us: float | None = None
    events_per_s: float | None = None
    cores: float | None = None
    errors: tuple[float, ...] | None = None
    remark: str = ""

    def __str__(self) -> str:
        speed = f"{_cell(self.us, 9, 2)}{_cell(self.events_per_s, 10, 0)}{_cell(self.cores, 7, 2)}"
        errors = self.errors or (None,) * 4
        shown = "".join(
            f"{error:>+{width}.3f}" if error is not None else f"{'':>{width}}"
            for error, width in zip(errors, (10, 9, 9, 9), strict=True)
        )
        return f"{self.part:<10}{self.workload:<24}{self.client:<14}{speed}{shown}  {self.remark}".rstrip()


def _cell(value: float | None, width: int, digits: int) -> str:
    return f"{'' if value is None else f'{value:,.{digits}f}':>{width}}"
