"""`gateproof doctor URL`: finds out why a gateway can't be reached or used."""

import argparse
import asyncio

from conformance.command.options import REACHING, add_options, load_target
from conformance.profiles import profile
from conformance.redact import Redactor
from conformance.sending.doctor import Finding, examine, reach
from conformance.sending.gateway import Gateway
from conformance.sending.wire import Limits, Wire
from conformance.verdict import Exit


def configure(parser: argparse.ArgumentParser) -> None:
    add_options(parser, REACHING)


def run(options: argparse.Namespace) -> int:
    target, _ = load_target(options)
    dialect = profile(target.profile)
    redactor = Redactor(target.secrets)

    async def examined() -> int:
        findings = await reach(target)
        if target.found:
            findings.append(Finding("dialect", True, target.found))
        blocked = not findings[-1].ok
        if not blocked:
            async with Wire(Limits(silence_s=target.timeout_s), target.tls()) as wire:
                diagnosis = await examine(Gateway(wire, target, dialect))
            findings += diagnosis.findings
            blocked = diagnosis.blocked is not None
        for finding in findings:
            print(redactor.text(f"{'ok ' if finding.ok else 'NO '} {finding.step:<8} {finding.sentence}"))
            if finding.advice and not finding.ok:
                print(redactor.text(f"             → {finding.advice}"))
        return Exit.UNREACHABLE if blocked or not all(f.ok for f in findings if f.step == "chat") else Exit.CONFORMANT

    return asyncio.run(examined())
