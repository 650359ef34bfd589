"""Secrets are taken out of text and trees, whatever they stand in."""

from conformance.redact import MASK, Redactor


def test_known_secrets_and_bearer_tokens_go() -> None:
    redactor = Redactor(["sk-abc", "sk-abc-longer"])
    assert redactor.text("sk-abc-longer, sk-abc") == f"{MASK}, {MASK}"
    assert redactor.text("Authorization: Bearer eyJhbGciOi.J9.x") == f"Authorization: Bearer {MASK}"
    assert redactor.text("Basic dXNlcjpwYXNz") == f"Basic {MASK}"


def test_ordinary_words_stay() -> None:
    text = "the bearer of news, token by token, basic rules"
    assert Redactor([]).text(text) == text


def test_members_that_are_secret_by_name_go_in_plain_and_quoted_json() -> None:
    redactor = Redactor([])
    assert redactor.text('{"apikey": "abcdef123", "client_secret":"s3cr3t-x"}') == (
        f'{{"apikey": "{MASK}", "client_secret":"{MASK}"}}'
    )
    assert redactor.text('"{\\"api_key\\": \\"abcdef123\\"}"') == f'"{{\\"api_key\\": \\"{MASK}\\"}}"'
    assert redactor.text('{"token": "Hello", "max_tokens": 16}') == '{"token": "Hello", "max_tokens": 16}'


def test_trees_are_redacted_in_keys_and_values() -> None:
    tree = {"sk-1234": ["x sk-1234", {"a": ("sk-1234", 7, None)}]}
    assert Redactor(["sk-1234"]).tree(tree) == {MASK: [f"x {MASK}", {"a": [MASK, 7, None]}]}
