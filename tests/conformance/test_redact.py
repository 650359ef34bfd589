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


def test_trees_are_redacted_in_keys_and_values() -> None:
    tree = {"sk-1234": ["x sk-1234", {"a": ("sk-1234", 7, None)}]}
    assert Redactor(["sk-1234"]).tree(tree) == {MASK: [f"x {MASK}", {"a": [MASK, 7, None]}]}
