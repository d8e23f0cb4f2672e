"""The plugin for Coop (integrations/coop) in Node.js, against the running service.

Coop itself is not on a registry. What a plugin needs follows Coop's example package, coop-integration-example 2.0.1.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from steward import Steward as Service

USE = Path(__file__).parent / "use_coop.mjs"
CIVIL = "Thank you for this article; I learned a lot about how substations are repaired."
INSULT = "You stupid fucking idiot, shut up, you worthless piece of shit."
FINNISH = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."
MANIFEST = {"id", "name", "version", "description", "docsUrl", "requiresConfig", "configurationFields", "signalTypeIds"}
SIGNAL = {
    *("id", "displayName", "description", "docsUrl", "recommendedThresholds", "supportedLanguages", "pricingStructure"),
    *(
        "eligibleInputs",
        "outputType",
        "getCost",
        "needsMatchingValues",
        "eligibleSubcategories",
        "needsActionPenalties",
    ),
    *("integration", "allowedInAutomatedRules", "run", "getDisabledInfo"),
}
SECTIONS = {
    *("trainingData", "policyAndTaxonomy", "annotationMethodology", "performanceBenchmarks", "biasAndLimitations"),
    *("implementationGuidance", "relevantLinks"),
}


@pytest.fixture(scope="module")
def said(service: Service) -> Any:
    command = ["node", USE, service.url, service.key("coop", "coop", "score"), CIVIL, INSULT, FINNISH]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)


def test_an_insult_scores_higher_than_a_civil_text(said: Any) -> None:
    civil, insult, _ = said["here"]
    assert civil["outputType"] == {"scalarType": "NUMBER"}
    assert 0 <= civil["score"] < 0.5 < insult["score"] <= 1


def test_what_is_not_judged_fails_and_is_not_called_harmless(said: Any) -> None:
    assert said["here"][2] == {"error": "Steward does not judge toxicity in this text (language: fi)"}
    assert said["wrong"]["error"].startswith("Steward answers 401")
    assert "address" in said["nobody"]["error"]
    assert [each["disabled"] for each in said["disabled"]] == [False, True]


def test_the_plugin_has_what_coop_asks_of_one(said: Any) -> None:
    assert said["manifest"].keys() >= MANIFEST
    assert {each["id"] for each in said["manifest"]["modelCard"]["sections"]} == SECTIONS
    assert [each["signalTypeId"] for each in said["signals"]] == said["manifest"]["signalTypeIds"]
    for each in said["signals"]:
        assert set(each["fields"]) == SIGNAL
        assert each["id"] == each["signalTypeId"]
