"""What is typed into locust's web form is looked at before a run starts, so that a mistake is told there."""
# mypy: allow-untyped-decorators

from flask import Response, jsonify, request
from locust.env import Environment

from conformance.target import ConfigError, checked_url
from load.options import PREFIX, Settings, of_locust, placed


def check_form(environment: Environment) -> None:
    """Answers a form that can't be used with a sentence, as locust answers a wrong number of users."""
    assert environment.web_ui is not None and environment.web_ui.app is not None

    @environment.web_ui.app.before_request
    def check() -> Response | None:
        if request.method != "POST" or not request.path.endswith("/swarm"):
            return None
        try:
            values = of_locust(environment.parsed_options) if environment.parsed_options else {}
            typed = {name.removeprefix(PREFIX): text for name, text in request.form.items() if name.startswith(PREFIX)}
            Settings.of({**values, **typed})
            checked_url(placed(request.form.get("host") or environment.host or "", typed.get("profile")) or "")
        except ConfigError as error:
            return jsonify({"success": False, "message": str(error), "host": environment.host})
        return None
