"""Which attributes and languages are served, and what is said of others (specs: perspective, sections 5 and 6.2)."""

from typing import Any

from classifier import LABELS
from service.values.policy import DEFAULT

PATH = "/v1alpha1/comments:analyze"
RUDE = "You are a stupid idiot and nobody wants you here."
GERMAN = "Du bist ein dummer Idiot und niemand will dich hier haben."
SWEDISH = "Du är en dum idiot och ingen vill ha dig här, det vet du mycket väl."


def value(reply: Any, attribute: str) -> float:
    assert reply.status == 200, reply.body
    found: float = reply.body["attributeScores"][attribute]["summaryScore"]["value"]
    return found


OF_THE_MODEL = LABELS


async def test_each_attribute_of_the_model_is_served_by_all_its_names(perspective: Any, admin: Any) -> None:
    for label in OF_THE_MODEL:
        own = (await admin.post("/v1/score", {"text": RUDE})).body["results"][0]["scores"][label]
        name = label.upper()
        names = (name, f"{name}_EXPERIMENTAL", f"{name}@6", f"{name}@1.2-b", f"{name}_EXPERIMENTAL@2")
        reply = await perspective.analyze(RUDE, *names)
        assert list(reply.body["attributeScores"]) == list(names), "echoed exactly as requested"
        assert {value(reply, each) for each in names} == {own}


UNKNOWN = [
    *("toxicity", "Toxicity", "TOXICITY ", "TOXICITY@", "TOXICITY@6@7", "@6", "", "_EXPERIMENTAL", "é", "A" * 5000),
    *("TOXICITY_FAST", "SEXUALLY_EXPLICIT", "FLIRTATION", "ATTACK_ON_AUTHOR", "INCOHERENT", "OFF_TOPIC"),
    *("CURIOSITY_EXPERIMENTAL", "LIKELY_TO_REJECT_EXPERIMENTAL", "OBSCENE_EXPERIMENTAL_EXPERIMENTAL"),
]


async def test_what_no_model_scores_is_unknown_and_not_invented(perspective: Any, refusal: Any) -> None:
    for name in UNKNOWN:
        error = refusal(await perspective.analyze(RUDE, "TOXICITY", name), 400, kind="INVALID_REQUEST")
        assert error["message"].removesuffix("…") == f"Unknown requested attribute: {name[:200]}"


async def test_an_operator_can_name_further_attributes(perspective: Any, wish: Any, refusal: Any) -> None:
    refusal(await perspective.analyze(RUDE, "ATTACK_ON_AUTHOR"), 400, kind="INVALID_REQUEST")
    await wish(attributes={"ATTACK_ON_AUTHOR": "insult", "INFLAMMATORY": "toxicity"})
    reply = await perspective.analyze(RUDE, "ATTACK_ON_AUTHOR", "INFLAMMATORY@3", "INSULT", "TOXICITY")
    assert value(reply, "ATTACK_ON_AUTHOR") == value(reply, "INSULT")
    assert value(reply, "INFLAMMATORY@3") == value(reply, "TOXICITY")


# Those of perspectiveapi-proxy's own configuration.
PROXY = [
    *("ATTACK_ON_AUTHOR", "ATTACK_ON_COMMENTER", "ATTACK_ON_PUBLISHER", "INCOHERENT", "INFLAMMATORY", "OBSCENE"),
    *("OFF_TOPIC", "SPAM", "UNSUBSTANTIAL", "LIKELY_TO_REJECT", "TOXICITY", "TOXICITY_FAST"),
]


async def test_a_site_can_have_what_is_not_served_left_out(perspective: Any, wish: Any, refusal: Any) -> None:
    refusal(await perspective.analyze(RUDE, *PROXY), 400, kind="INVALID_REQUEST")
    await wish(omit_unknown=True, attributes={"ATTACK_ON_AUTHOR": "insult"})
    reply = await perspective.analyze(RUDE, *PROXY)
    assert list(reply.body["attributeScores"]) == [
        "ATTACK_ON_AUTHOR",
        "OBSCENE",
        "SPAM",
        "LIKELY_TO_REJECT",
        "TOXICITY",
    ]
    alone = await perspective.analyze(RUDE, "INCOHERENT", "OFF_TOPIC")
    assert (alone.status, "attributeScores" in alone.body) == (200, False)


async def test_likely_to_reject_says_what_the_policy_would_do(perspective: Any, wish: Any) -> None:
    toxicity = value(await perspective.analyze(RUDE, "TOXICITY"), "TOXICITY")
    for limits, low, high in (
        ({"review_at": toxicity + 0.001, "reject_at": 1}, 0.4, 0.499999),
        ({"review_at": toxicity}, 0.5, 0.5),
        ({"review_at": 0.1, "reject_at": min(1, toxicity + 0.001)}, 0.5, 0.899999),
        ({"review_at": 0.1, "reject_at": toxicity}, 0.9, 1),
        ({}, 0, 0),
    ):
        await wish({"toxicity": limits})
        assert low <= value(await perspective.analyze(RUDE, "LIKELY_TO_REJECT"), "LIKELY_TO_REJECT") <= high, limits


async def test_likely_to_reject_follows_the_decision_of_the_native_api(perspective: Any, admin: Any) -> None:
    bounds = {"approve": (0, 0.5), "review": (0.5, 0.9), "reject": (0.9, 1.001)}
    for text in (RUDE, "Good morning.", "BUY NOW!!! cheap pills http://x.example", GERMAN, "shut up, you liar", "hm"):
        decision = (await admin.post("/v1/comments", {"text": text})).body["decision"]
        low, high = bounds[decision]
        assert low <= value(await perspective.analyze(text, "LIKELY_TO_REJECT"), "LIKELY_TO_REJECT") < high, text


async def test_a_map_turns_our_score_into_the_one_answered(perspective: Any, wish: Any) -> None:
    names = ("TOXICITY", "TOXICITY@6", "TOXICITY_EXPERIMENTAL", "INSULT")
    before = await perspective.analyze(RUDE, *names)
    exact = value(before, "TOXICITY")
    await wish(score_maps={"TOXICITY": [(exact, 0.25)]})
    after = await perspective.analyze(RUDE, *names, spanAnnotations=True)
    assert [value(after, name) for name in names] == [0.25, 0.25, 0.25, value(before, "INSULT")]
    assert after.body["attributeScores"]["TOXICITY"]["spanScores"][0]["score"]["value"] == 0.25
    body = {"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {"scoreThreshold": 0.3}}}
    assert "attributeScores" not in (await perspective.post(PATH, body)).body, "thresholds speak of what is answered"


IMPOSSIBLE = [
    ({"score_maps": {"TOXICITY": [(0.5, 0.5), (0.4, 0.6)]}}, "TOXICITY/1/0"),
    ({"score_maps": {"TOXICITY": [(0.5, 0.5), (0.5, 0.6)]}}, "TOXICITY/1/0"),
    ({"score_maps": {"TOXICITY": [(0.1, 0.1), (0.4, 0.6), (0.5, 0.5)]}}, "TOXICITY/2/1"),
    ({"score_maps": {"TOXICITY": []}}, "TOXICITY"),
    ({"score_maps": {"TOXICITY": [(0.1, 1.1)]}}, "TOXICITY/0/1"),
    ({"score_maps": {"toxicity": [(0.1, 0.1)]}}, "toxicity"),
    ({"score_maps": {"TASTE": [(0.1, 0.1)]}}, "TASTE"),
    ({"attributes": {"TASTE": "taste"}}, "TASTE"),
    ({"attributes": {"TASTE": "TOXICITY"}}, "TASTE"),
    ({"attributes": {"INSULT": "toxicity"}}, "INSULT"),
    ({"attributes": {"LIKELY_TO_REJECT": "toxicity"}}, "LIKELY_TO_REJECT"),
    ({"attributes": {"taste": "toxicity"}}, "taste"),
    ({"attributes": {"_A": "toxicity"}}, "_A"),
    ({"attributes": {"": "toxicity"}}, ""),
]


async def test_a_wish_that_cannot_be_is_refused_by_its_place(admin: Any, problem: Any) -> None:
    for given, pointer in IMPOSSIBLE:
        body = {"thresholds": {"toxicity": {}}, "protocols": {"perspective": given}}
        found = problem(await admin("PUT", "/v1/policies/default", body), 400)
        (kind,) = given
        at = f"/protocols/perspective/{kind}"
        assert found["errors"][0]["pointer"] in (f"{at}/{pointer}", at if not pointer else "")
        assert (await admin.get("/v1/policies/default")).body["version"] == DEFAULT.version


async def test_wishes_are_shown_with_the_policy(admin: Any, wish: Any) -> None:
    given = {"queue_doubtful": True, "score_maps": {"TOXICITY": [[0.5, 0.8]]}}
    assert (await wish(**given))["protocols"]["perspective"] == given
    assert (await admin.get("/v1/policies/default")).body["protocols"]["perspective"] == given


async def test_the_text_tells_the_language_where_the_request_does_not(perspective: Any) -> None:
    reply = await perspective.analyze(GERMAN, "INSULT")
    assert (reply.body["languages"], reply.body["detectedLanguages"]) == (["de"], ["de"])
    for given in ([], None):
        assert (await perspective.analyze(GERMAN, "INSULT", languages=given)).raw == reply.raw


async def test_a_language_is_judged_as_such(perspective: Any, admin: Any) -> None:
    own = (await admin.post("/v1/score", {"text": GERMAN, "language": "de"})).body["results"][0]["scores"]
    assert value(await perspective.analyze(GERMAN, "INSULT", languages=["de"]), "INSULT") == own["insult"]
    as_english = await perspective.analyze(GERMAN, "INSULT", languages=["en"])
    assert value(as_english, "INSULT") != own["insult"], "the request is believed"
    assert (as_english.body["languages"], as_english.body["detectedLanguages"]) == (["en"], ["de"])


ENGLISH = ["en", "EN", "en-US", "en-Latn-GB", "eN-x-private"]


async def test_a_tag_counts_by_its_primary_part(perspective: Any) -> None:
    for tag in ENGLISH:
        reply = await perspective.analyze(RUDE, languages=[tag])
        assert (reply.status, reply.body["languages"]) == (200, [tag])


async def test_of_several_languages_all_must_be_judged(perspective: Any, refusal: Any) -> None:
    assert (await perspective.analyze(GERMAN, "INSULT", languages=["en", "de"])).body["languages"] == ["en", "de"]
    for attribute, told in (("SPAM", ["en", "de"]), ("INSULT", ["de", "sv"]), ("INSULT", ["sv", "de"])):
        error = refusal(await perspective.analyze(GERMAN, attribute, languages=told), 400)
        message = f"Attribute {attribute} does not support request languages: {', '.join(told)}"
        assert error["message"] == message


async def test_a_text_of_two_languages_is_judged_in_its_own(perspective: Any) -> None:
    both = value(await perspective.analyze(GERMAN, "INSULT", languages=["en", "de"]), "INSULT")
    assert both == value(await perspective.analyze(GERMAN, "INSULT", languages=["de"]), "INSULT")


NOT_JUDGED = ["hi-Latn", "hi", "cs", "sv-FI", "fi", "und", "xx", "english", "", "e" * 5000]


async def test_a_language_that_is_not_judged_names_the_attribute(perspective: Any, refusal: Any) -> None:
    for tag in NOT_JUDGED:
        error = refusal(
            await perspective.analyze(RUDE, "THREAT", "TOXICITY", languages=[tag]),
            400,
            kind="LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
        )
        said = tag if len(tag) < 200 else tag[:200] + "…"
        assert error["message"] == f"Attribute THREAT does not support request languages: {said}"
        payload = {"requestedLanguages": [said], "attribute": "THREAT"}
        assert error["details"][0]["languageNotSupportedByAttributeError"] == payload


async def test_a_language_that_was_detected_is_told_as_such(perspective: Any, refusal: Any) -> None:
    error = refusal(await perspective.analyze(SWEDISH), 400, kind="LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE")
    assert error["message"] == "Attribute TOXICITY does not support request languages: sv"
    assert error["details"] == [
        {
            "@type": "type.googleapis.com/google.commentanalyzer.v1alpha1.Error",
            "errorType": "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
            "languageNotSupportedByAttributeError": {"detectedLanguages": ["sv"], "attribute": "TOXICITY"},
        }
    ]


async def test_unsupported_attributes_are_dropped_where_the_request_says_so(perspective: Any, refusal: Any) -> None:
    reply = await perspective.analyze(GERMAN, "SPAM", "INSULT", dropUnsupportedAttributes=True)
    assert list(reply.body["attributeScores"]) == ["INSULT"]
    reply = await perspective.analyze(SWEDISH, "THREAT", "INSULT", dropUnsupportedAttributes=True)
    assert reply.body == {"languages": ["sv"], "detectedLanguages": ["sv"]}
    error = refusal(await perspective.analyze(SWEDISH, "TASTE", dropUnsupportedAttributes=True), 400)
    assert error["message"] == "Unknown requested attribute: TASTE"


async def test_a_short_text_is_taken_for_english_and_said_to_be_undetermined(perspective: Any) -> None:
    reply = await perspective.analyze("idiot")
    assert (reply.body["languages"], reply.body["detectedLanguages"]) == (["en"], ["und"])
    assert value(reply, "TOXICITY") > 0.5


async def test_where_there_is_no_letter_no_language_is_told(perspective: Any, refusal: Any) -> None:
    for text in ("12345", "👍👍", "?!"):
        error = refusal(await perspective.analyze(text), 400, kind="LANGUAGE_DETECTION_FAILED")
        assert error["message"] == "Unable to detect language"
        assert (await perspective.analyze(text, languages=["en"])).status == 200


async def test_a_site_can_let_the_text_tell_because_its_tags_do_not(perspective: Any, wish: Any, refusal: Any) -> None:
    """Coral sends `en` for most of its locales (specs: coral, B2)."""
    await wish(trust_languages=False)
    german = await perspective.analyze(GERMAN, "INSULT", languages=["en"])
    assert value(german, "INSULT") == value(await perspective.analyze(GERMAN, "INSULT", languages=["de"]), "INSULT")
    error = refusal(await perspective.analyze(SWEDISH, languages=["en"]), 400)
    payload = error["details"][0]["languageNotSupportedByAttributeError"]
    assert payload == {"detectedLanguages": ["sv"], "attribute": "TOXICITY"}
    assert (await perspective.analyze("hm", languages=["de"])).body["languages"] == ["de"]
