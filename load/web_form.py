"""What is typed into locust's web form is looked at before a run starts, so that a mistake is told there."""
# mypy: allow-untyped-decorators

from typing import Any

from flask import Response, jsonify, request
from locust.env import Environment

from conformance.target import ConfigError, checked_url
from load.gate import parse
from load.options import BY_NAME, PREFIX, Settings, of_locust, placed


def check_form(environment: Environment) -> None:
    """Answers a form that can't be used with a sentence, as locust answers a wrong number of users."""
    assert environment.web_ui is not None and environment.web_ui.app is not None

    @environment.web_ui.app.before_request
    def check() -> Response | None:
        if request.method != "POST" or not request.path.endswith("/swarm"):
            return None
        typed = {name.removeprefix(PREFIX): text for name, text in request.form.items() if name.startswith(PREFIX)}
        try:
            values = of_locust(environment.parsed_options) if environment.parsed_options else {}
            parse(Settings.of({**values, **typed}).slo)
            checked_url(placed(request.form.get("host") or environment.host or "", typed.get("profile")) or "")
        except ConfigError as error:
            return jsonify({"success": False, "message": str(error), "host": environment.host})
        _as_texts(environment.parsed_options)
        return None


def _as_texts(options: Any) -> None:
    """Makes our options texts again, as they were before a run read them: locust turns what is typed into the type that
    it finds, and an empty field into no number."""
    for name in BY_NAME:
        value = getattr(options, PREFIX + name)
        if not isinstance(value, str):
            setattr(options, PREFIX + name, "")
