"""Secrets are taken out of text and trees, whatever they stand in."""

from base64 import b64encode
from urllib.parse import quote

import pytest

from conformance.redact import MASK, Disguise, Redactor, stand_in


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


SECRET = "sk-Proj0123/abcDEF="


def test_a_stand_in_has_the_same_length_and_kind_of_characters() -> None:
    other = stand_in(SECRET, 0)
    assert len(other) == len(SECRET)
    assert [c.isdigit() for c in other] == [c.isdigit() for c in SECRET]
    assert [c.isupper() for c in other] == [c.isupper() for c in SECRET]
    assert other not in (SECRET, stand_in(SECRET, 1))


@pytest.mark.parametrize(
    "form",
    [SECRET, SECRET.lower(), SECRET.upper(), quote(SECRET, safe=""), b64encode(SECRET.encode()).decode()],
    ids=["as it is", "lower case", "upper case", "percent-encoded", "base64"],
)
def test_a_disguise_knows_a_secret_in_other_forms(form: str) -> None:
    shown = Disguise([SECRET]).data(f"<{form}>".encode()).decode()
    assert len(shown) == len(form) + 2
    assert form[: len(form) - 4] not in shown


def test_a_disguised_echo_is_still_an_echo() -> None:
    disguise = Disguise([SECRET, SECRET + "x"])
    shown = disguise.text(SECRET)
    assert disguise.text(f"the key {SECRET} is wrong") == f"the key {shown} is wrong"
    assert disguise.text(SECRET + "x") != shown + "x"


def test_a_disguise_leaves_the_rest_alone_whatever_it_is() -> None:
    data = b'\xff\xfe{"max_tokens": 16} sk-other \xe2\x82'
    assert Disguise([SECRET]).data(data) == data
    assert Disguise(["ask"]).text("ta\u017fk A\u017fK") == "ta\u017fk A\u017fK"
    assert len(Disguise([]).text('{"api_key": "abcdef123"}')) == len('{"api_key": "abcdef123"}')
    assert "abcdef123" not in Disguise([]).text('{"api_key": "abcdef123"}')
