"""What our WordPress plugin does beside checking new comments: bulk checks, commands, privacy, translations."""

import re

import httpx
import pytest
from own_plugin import CIVIL, INSULT, SETTINGS, record
from steward import Steward
from wordpress import ADMIN, PASSWORD, WordPress

# WP-CLI is in no Debian package. This stands for what the commands call of it.
WP_CLI = """class WP_CLI {
    public static function log($said) { echo "$said\\n"; }
    public static function success($said) { echo "Success: $said\\n"; }
    public static function error($said) { echo "Error: $said\\n"; exit; }
    public static function add_command($name, $class) {}
}
require_once WP_PLUGIN_DIR . '/comment-steward/includes/cli.php';
"""


@pytest.fixture
def blog(own_blog: WordPress) -> WordPress:
    return own_blog


def test_the_comments_that_are_there_are_checked_in_bulk(blog: WordPress) -> None:
    insert = "echo wp_insert_comment(['comment_post_ID' => 1, 'comment_approved' => {}, 'comment_content' => '{}']);"
    kind, rude = (int(blog.run(insert.format(0, f"{text} Old."))) for text in (CIVIL, INSULT))
    published = int(blog.run(insert.format(1, f"{INSULT} Old and published.")))
    page = blog.browser.get("/wp-admin/edit-comments.php?page=comment-steward-bulk").text
    (nonce,) = set(re.findall(r'name="_wpnonce" value="(\w+)"', page))
    fields = {"action": "comment_steward_bulk", "_wpnonce": nonce, "after": str(kind - 1)}
    step = blog.browser.post("/wp-admin/admin-ajax.php", data=fields).json()
    assert step == {"success": True, "data": {"after": rude, "checked": 2, "left": 0}}
    assert (blog.status(kind), blog.status(rude), blog.status(published)) == ("approved", "trash", "approved")
    blog.browser.post("/wp-admin/admin-ajax.php", data={**fields, "published": "1"})
    assert (blog.status(published), record(blog, published)["status"]) == ("approved", "rejected")
    done = blog.browser.post("/wp-admin/admin-post.php", data={**fields, "published": "1", "hold": "1"})
    assert done.status_code == 200
    assert blog.status(published) == "unapproved"


def test_nobody_else_starts_a_bulk_check(blog: WordPress) -> None:
    assert (
        httpx.post(
            f"{blog.url}/wp-admin/admin-ajax.php", data={"action": "comment_steward_bulk"}, timeout=60
        ).status_code
        == 400
    )
    refused = blog.browser.post("/wp-admin/admin-ajax.php", data={"action": "comment_steward_bulk", "_wpnonce": "x"})
    assert refused.status_code == 403


def test_the_commands_say_what_waits_and_send_it(blog: WordPress, service: Steward) -> None:
    said = blog.run(WP_CLI + "(new CommentSteward\\CLI())->status();")
    assert f"address: {service.url}" in said
    assert "comments not checked yet: 0" in said
    assert "Success" in blog.run(WP_CLI + "(new CommentSteward\\CLI())->test();")
    assert "0 sent; 0 comments still wait." in blog.run(WP_CLI + "(new CommentSteward\\CLI())->retry();")
    checked = blog.run(WP_CLI + "(new CommentSteward\\CLI())->check([], ['published' => true]);")
    assert re.search(r"Success: \d+ comments checked\.", checked)


def test_exporter_and_eraser_cover_what_is_kept_here_and_there(blog: WordPress, service: Steward, chief: str) -> None:
    comment = blog.comment(f"{CIVIL} Mine.", "Carol")
    exported = blog.value("CommentSteward\\Privacy::export('carol@example.com')")
    assert exported["done"] is True
    assert {row["name"] for row in exported["data"][0]["data"]} == {"Comment", "Decision", "Scores", "Reasons"}
    erased = blog.value("CommentSteward\\Privacy::erase('carol@example.com')")
    assert (erased["items_removed"], erased["done"]) == (True, True)
    assert record(blog, comment) == []
    with service.client(chief) as client:
        found = client.get(f"/v1/comments/wp-1-{comment}").json()
    assert found.get("scores") is None


def test_a_deleted_comment_is_erased_even_if_the_service_was_away(
    blog: WordPress, service: Steward, chief: str
) -> None:
    comment = blog.comment(f"{CIVIL} Deleted.")
    service.stop()
    blog.run(f"wp_delete_comment({comment}, true);")
    assert blog.value("get_option('comment_steward_erase')") == [f"wp-1-{comment}"]
    service.start()
    blog.run("do_action('comment_steward_retry');")
    assert blog.value("get_option('comment_steward_erase')") is False
    with service.client(chief) as client:
        assert client.get(f"/v1/comments/wp-1-{comment}").json().get("scores") is None


def test_a_comment_whose_answer_was_lost_is_erased_too(blog: WordPress, service: Steward, chief: str) -> None:
    service.stop()
    comment = blog.comment(f"{CIVIL} Lost.")
    service.start()
    with service.client(chief) as client:  # it had come, but the answer did not
        client.post("/v1/comments", json={"id": f"wp-1-{comment}", "text": f"{CIVIL} Lost."}).raise_for_status()
        blog.run(f"wp_delete_comment({comment}, true);")
        assert client.get(f"/v1/comments/wp-1-{comment}").json().get("scores") is None
    assert not blog.meta(comment), "no mark of a comment that is gone"


def test_an_erasure_asked_for_meanwhile_is_not_forgotten(blog: WordPress) -> None:
    left = blog.value(
        "get_option('comment_steward_erase')",
        "CommentSteward\\Retries::erase_later('wp-1-900001');"
        "add_filter('pre_http_request', function () { CommentSteward\\Retries::erase_later('wp-1-900002');"
        "return ['headers' => [], 'body' => '', 'cookies' => [], 'filename' => null,"
        "'response' => ['code' => 204, 'message' => '']]; });"
        "CommentSteward\\Retries::run();",
    )
    assert left == ["wp-1-900002"]
    blog.run("do_action('comment_steward_retry');")
    assert blog.value("get_option('comment_steward_erase')") is False


def test_moderators_are_not_checked(blog: WordPress) -> None:
    page = blog.browser.get("/?p=1")
    assert page.status_code == 200
    before = blog.newest()
    blog.browser.post("/wp-comments-post.php", data={"comment": INSULT + " Staff.", "comment_post_ID": "1"})
    comment = blog.newest()
    assert comment > before
    assert (blog.status(comment), record(blog, comment)) == ("approved", [])


def test_comments_by_wordpress_own_api_are_checked(blog: WordPress) -> None:
    blog.run("wp_insert_user(['user_login' => 'reader', 'user_pass' => 'x', 'user_email' => 'reader@example.com']);")
    made = blog.value(
        "rest_do_request($request)->get_data()",
        "wp_set_current_user(get_user_by('login', 'reader')->ID);"
        "$request = new WP_REST_Request('POST', '/wp/v2/comments');"
        f"$request->set_body_params(['post' => 1, 'content' => '{INSULT} By API.']);",
    )
    assert blog.status(made["id"]) == "trash"


@pytest.mark.parametrize(("locale", "said"), [("de_DE", "Verbindung prüfen"), ("uk", "Що відхиляє Steward")])
def test_the_settings_are_translated(blog: WordPress, locale: str, said: str) -> None:
    blog.run(f"update_user_meta(get_user_by('login', '{ADMIN}')->ID, 'locale', '{locale}');")
    (blog.tree / "wp-content" / "languages").mkdir(exist_ok=True)
    assert said in blog.browser.get(SETTINGS).text
    blog.run(f"update_user_meta(get_user_by('login', '{ADMIN}')->ID, 'locale', '');")


def test_uninstalling_leaves_nothing_of_ours(blog: WordPress) -> None:
    blog.run("define('WP_UNINSTALL_PLUGIN', true); require WP_PLUGIN_DIR . '/comment-steward/uninstall.php';")
    query = "SELECT COUNT(*) FROM $wpdb->commentmeta WHERE meta_key LIKE '\\\\\\\\_comment\\\\\\\\_steward%'"
    assert blog.run(f'global $wpdb; echo $wpdb->get_var("{query}");') == "0"
    assert blog.value("get_option('comment_steward')") is False


def test_the_plugin_complains_about_nothing(blog: WordPress) -> None:
    assert [line for line in blog.log().splitlines() if "comment-steward" in line] == []
    assert PASSWORD not in blog.log()
