"""Programs that are too large to be installed here: the requests that their own code builds, to the running service."""

import httpx
import pytest
from steward import Steward

KIND = "Thank you for this article, I learned a lot."
RUDE = "You stupid fucking idiot, shut up, you worthless piece of shit."


@pytest.fixture(scope="module")
def bearer(service: Steward) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.key('programs', 'program', 'score')}"}


@pytest.mark.parametrize("model", ["omni-moderation-latest", "text-moderation-stable", "text-moderation-latest"])
def test_n8n_classifies_texts(service: Steward, bearer: dict[str, str], model: str) -> None:
    """Its versions before 2.1 ask for the older models."""
    headers = bearer | {"Accept": "application/json"}
    answers = [
        httpx.post(f"{service.url}/v1/moderations", headers=headers, json={"input": text, "model": model}, timeout=60)
        for text in (KIND, RUDE)
    ]
    assert [each.raise_for_status().json()["results"][0]["flagged"] for each in answers] == [False, True]


def test_n8n_finds_its_credential_good(service: Steward, bearer: dict[str, str]) -> None:
    assert httpx.get(f"{service.url}/v1/models", headers=bearer, timeout=60).is_success
    assert (
        httpx.get(f"{service.url}/v1/models", headers={"Authorization": "Bearer sk-wrong"}, timeout=60).status_code
        == 401
    )


def test_librechat_refuses_an_insult_and_what_gets_no_answer(service: Steward, bearer: dict[str, str]) -> None:
    url = f"{service.url}/v1/moderations"
    kind, rude = (
        httpx.post(url, headers=bearer, json={"input": text}, timeout=60).raise_for_status() for text in (KIND, RUDE)
    )
    assert not any(each["flagged"] for each in kind.json()["results"])
    assert any(each["flagged"] for each in rude.json()["results"])
    stranger = httpx.post(url, headers={"Authorization": "Bearer undefined"}, json={"input": KIND}, timeout=60)
    assert stranger.status_code == 401, "which axios raises, so LibreChat refuses the message"


@pytest.mark.parametrize("base", ["/v1", ""])
@pytest.mark.parametrize("model", ["openai/omni-moderation-latest", "omni-moderation-latest"])
def test_litellm_names_the_model_in_its_own_form(
    service: Steward, bearer: dict[str, str], base: str, model: str
) -> None:
    asked = {"input": RUDE, "model": model}
    answer = (
        httpx.post(f"{service.url}{base}/moderations", headers=bearer, json=asked, timeout=60).raise_for_status().json()
    )
    assert answer["results"][0]["categories"]["harassment"] is True
    assert answer["results"][0]["category_applied_input_types"]["harassment"] == ["text"]
