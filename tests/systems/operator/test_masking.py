"""Credentials stay out of what the operator writes."""

from systems.operator.masking import masker

KEY = "a-credential-of-somebody"


def test_the_value_of_a_credential_is_masked_at_its_length() -> None:
    mask = masker({"ANTHROPIC_API_KEY": KEY})
    assert mask(f"key={KEY}; rest") == f"key={'*' * len(KEY)}; rest"


def test_the_auth_token_is_a_credential_too() -> None:
    assert KEY not in masker({"ANTHROPIC_AUTH_TOKEN": KEY})(f"Bearer {KEY}")


def test_anything_shaped_like_a_key_is_masked() -> None:
    assert masker({})("found sk-ant-api03-AbC_d-9 there") == f"found {'*' * 20} there"


def test_a_value_too_short_to_be_a_credential_garbles_no_words() -> None:
    assert masker({"ANTHROPIC_API_KEY": "test"})("the test passed") == "the test passed"


def test_a_longer_credential_wins_over_one_it_contains() -> None:
    mask = masker({"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_AUTH_TOKEN": f"{KEY}-longer"})
    assert mask(f"{KEY}-longer") == "*" * len(f"{KEY}-longer")


def test_the_result_can_be_written_as_utf_8() -> None:
    assert masker({})("half \ud800 a pair").encode()
