"""The report as GitLab's code quality report, which a merge request shows as what it makes worse or better.

Source: GitLab's documentation, Code Quality, "Import Code Quality results from a CI/CD job".
"""

import json
from typing import Any

from conformance.exchange import clip
from conformance.rendering.findings import area, findings
from conformance.verdict import RED, Verdict

_SEVERITIES = {"MUST": "critical", "SHOULD": "major", "MAY": "minor"}


def render(document: dict[str, Any]) -> str:
    """A list of what is red or warned of, as JSON. The profile and the id are an entry's fingerprint."""
    profile = document["profile"]
    told = [
        {
            "description": f"{row['id']} {finding.verdict}: {clip(row['statement'], 400)} "
            f"Seen: {clip(finding.message, 600)}",
            "check_name": row["id"],
            "fingerprint": f"{profile}/{row['id']}",
            "severity": _SEVERITIES[row["level"]] if finding.is_red else "minor",
            "location": {"path": f"gateway/{area(row['id'])}", "lines": {"begin": 1}},
        }
        for finding in findings(document)
        if finding.verdict in {*RED, Verdict.WARN}
        for row in finding.rows
    ]
    text = json.dumps(told, indent=1, ensure_ascii=False)
    return text.replace("<", "\\u003c") + "\n"  # whoever puts it into a page
