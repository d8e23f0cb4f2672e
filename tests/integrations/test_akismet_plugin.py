"""WordPress with Akismet's own plugin, set up by docs/akismet.md alone: by its form, not by a constant."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from steward import Steward
from wordpress import WordPress

PAGE = (Path(__file__).parents[2] / "docs" / "akismet.md").read_text()
REDIRECT, ONLY_TLS = re.findall(r"```php\n(<\?php.*?)```", PAGE, re.DOTALL)
# Stands in for the names of Akismet's hosts and a proxy whose certificate WordPress does not trust.
UNTRUSTED = """<?php
add_filter('pre_http_request', function ($done, $arguments, $url) {
    $parts = wp_parse_url($url);
    if (!str_ends_with($parts['host'], 'rest.akismet.com')) return $done;
    if ($parts['scheme'] === 'https') return new WP_Error('http_request_failed', 'SSL certificate problem');
    unset($arguments['headers']['Host']);
    return wp_remote_request("SERVICE/k/KEY{$parts['path']}", $arguments);
}, 10, 3);
"""
FORM = "/wp-admin/options-general.php?page=akismet-key-config"
CIVIL = "Thank you for this article; I learned a lot about how substations are repaired."
INSULT = "You stupid fucking idiot, shut up, you worthless piece of shit."
FINNISH = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."
USUAL = {"toxicity": {"review_at": 0.25, "reject_at": 0.98}, "spam": {"review_at": 0.5, "reject_at": 0.98}}


def enter_key(site: WordPress, key: str) -> str:
    """Enter a key in the plugin's form, as a person does; the page that follows."""
    page = site.browser.get(f"{FORM}&view=start").text
    (nonce, *_) = re.findall(r'name="_wpnonce" value="(\w+)"', page)
    return site.browser.post(FORM, data={"action": "enter-key", "key": key, "_wpnonce": nonce}).text


def new_key(service: Steward) -> str:
    return service.key("daily", "wordpress", "akismet")


@pytest.fixture(scope="module")
def blog(site: WordPress, service: Steward) -> WordPress:
    """The must-use plugin of the page, Akismet's plugin, and a key in its form."""
    assert "https://steward.example" in REDIRECT
    site.must_use("steward-akismet.php", REDIRECT.replace("https://steward.example", service.url))
    site.activate("akismet/akismet.php")
    assert "Akismet is now protecting your site" in enter_key(site, new_key(service))
    # WordPress holds first comments of a reader by itself; here it shall do what the plugin says.
    site.run("update_option('comment_previously_approved', 0);")
    return site


def set_policy(service: Steward, chief: str, **wishes: Any) -> None:
    with service.client(chief) as client:
        asked = {"thresholds": USUAL, "protocols": {"akismet": wishes}}
        client.put("/v1/policies/default", json=asked).raise_for_status()


def labels(service: Steward, chief: str) -> dict[str, str]:
    with service.client(chief) as client:
        lines = client.get("/v1/labels").raise_for_status().text.splitlines()
    return {label["text"]: label["decision"] for label in map(json.loads, lines)}


def test_a_wrong_key_is_refused_by_the_form(blog: WordPress) -> None:
    page = enter_key(blog, "0123456789ab")
    assert "The key you entered is invalid" in page


def test_a_friendly_comment_is_published(blog: WordPress) -> None:
    assert blog.status(blog.comment(CIVIL)) == "approved"


def test_an_insult_goes_to_spam_and_not_spam_teaches(blog: WordPress, service: Steward, chief: str) -> None:
    comment = blog.comment(INSULT)
    assert blog.status(comment) == "spam"
    blog.act(comment, "unspam")
    assert labels(service, chief)[INSULT] == "approve"


def test_calling_a_published_comment_spam_teaches(blog: WordPress, service: Steward, chief: str) -> None:
    text = f"{CIVIL} Buy my book."
    comment = blog.comment(text)
    blog.act(comment, "spam")
    assert labels(service, chief)[text] == "reject"


def test_a_comment_in_an_unread_language_is_pending_and_stays_so(blog: WordPress) -> None:
    comment = blog.comment(FINNISH)
    assert blog.status(comment) == "unapproved"
    assert "akismet_error" not in blog.meta(comment), "the plugin must not believe that the check failed"
    assert blog.value("wp_next_scheduled('akismet_schedule_cron_recheck')") is False
    assert blog.run(f"echo Akismet::recheck_comment({comment});") == "pending"
    assert blog.status(comment) == "unapproved"


def test_doubtful_and_rejected_comments_are_pending_if_the_site_wants_it(
    blog: WordPress, service: Steward, chief: str
) -> None:
    set_policy(service, chief, doubtful="pending", spam="pending")
    try:
        assert blog.status(blog.comment(f"{INSULT} Again.")) == "unapproved"
        assert blog.status(blog.comment(f"{CIVIL} Again.")) == "approved"
    finally:
        set_policy(service, chief)


def test_the_plugins_page_shows_the_figures_and_no_warning(blog: WordPress) -> None:
    page = blog.browser.get(FORM).text
    assert "connect to the Akismet servers" not in page
    assert re.search(r"Accuracy", page)
    assert re.search(r'class="[^"]*\bactive"', page)


def test_a_new_key_replaces_a_revoked_one_in_the_form(blog: WordPress, service: Steward) -> None:
    old = new_key(service)
    assert "Akismet is now protecting your site" in enter_key(blog, old)
    listed = service.command("keys", "list", COLUMNS="200")
    newest = re.findall(r"│ (\w{8}) │ daily", listed)[-1]
    service.command("keys", "revoke", newest)
    replaced = enter_key(blog, new_key(service))
    assert "Akismet is now protecting your site" in replaced
    assert blog.status(blog.comment(f"{CIVIL} With a new key.")) == "approved"


def test_the_service_down_for_a_minute_loses_nothing(blog: WordPress, service: Steward) -> None:
    service.stop()
    comments = [blog.comment(f"{CIVIL} Number {number}.") for number in range(3)]
    assert [blog.status(each) for each in comments] == ["unapproved"] * 3
    assert "akismet_error" in blog.meta(comments[0])
    service.start()
    blog.run("Akismet::cron_recheck();")
    assert [blog.status(each) for each in comments] == ["approved"] * 3


def test_without_a_trusted_certificate_nothing_is_sent_where_only_tls_may_be_used(
    blog: WordPress, service: Steward
) -> None:
    """First what the plugin does by itself, so that the page's second file has something to do."""
    key = blog.run("echo Akismet::get_api_key();")
    blog.must_use("steward-akismet.php", UNTRUSTED.replace("SERVICE", service.url).replace("KEY", key))
    try:
        assert blog.status(blog.comment(f"{CIVIL} By port 80.")) == "approved"
        assert blog.value("get_option('akismet_ssl_disabled') > 0") is True
        blog.run("delete_option('akismet_ssl_disabled');")
        blog.must_use("only-tls.php", ONLY_TLS)
        held = blog.comment(f"{CIVIL} Not sent.")
        assert blog.status(held) == "unapproved"
        assert "akismet_error" in blog.meta(held)
        assert blog.value("get_option('akismet_ssl_disabled')") is False
    finally:
        blog.must_use("only-tls.php", "<?php\n")
        blog.must_use("steward-akismet.php", REDIRECT.replace("https://steward.example", service.url))


def test_the_plugin_complains_about_nothing(blog: WordPress) -> None:
    complaints = [line for line in blog.log().splitlines() if "plugins/akismet" in line and "Deprecated" not in line]
    assert complaints == []
