"""WordPress with our own plugin (integrations/wordpress), set up as docs/integrations/wordpress.md says."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from steward import Steward
from wordpress import WordPress

PLUGIN = Path(__file__).parents[2] / "integrations" / "wordpress" / "comment-steward"
SETTINGS = "/wp-admin/options-general.php?page=comment-steward"
CIVIL = "Thank you for this article; I learned a lot about how substations are repaired."
INSULT = "You stupid fucking idiot, shut up, you worthless piece of shit."
FINNISH = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."


def enter(site: WordPress, **fields: str) -> str:
    """Fill in the form of the settings; the page that follows."""
    page = site.browser.get(SETTINGS).text
    hidden = dict(re.findall(r'<input type=.hidden. (?:id="\w+" )?name=.(\w+). value="([^"]*)"', page))
    (nonce, *_) = re.findall(r'name="_wpnonce" value="(\w+)"', page)
    names = {f"comment_steward[{name}]": value for name, value in fields.items()}
    sent = hidden | names | {"option_page": "comment_steward", "action": "update", "_wpnonce": nonce}
    return site.browser.post("/wp-admin/options.php", data=sent).text


def usual(service: Steward, **changed: str) -> dict[str, str]:
    ticked = {"publish": "1", "skip_staff": "1", "feedback": "1"}
    return {"url": service.url, "rejected": "trash", "timeout_s": "30", **ticked, **changed}


def install(site: WordPress, service: Steward, secret: str) -> WordPress:
    shutil.copytree(PLUGIN, site.tree / "wp-content" / "plugins" / "comment-steward")
    site.activate("comment-steward/comment-steward.php")
    key = service.key("daily", "wordpress", "score", "comments")
    enter(site, **usual(service, key=key, secret=secret))
    return site


def record(blog: WordPress, comment: int) -> Any:
    return blog.value(f"CommentSteward\\Record::of({comment})")


def labels(service: Steward, chief: str) -> dict[str, Any]:
    with service.client(chief) as client:
        lines = client.get("/v1/labels").raise_for_status().text.splitlines()
    return {label["text"]: label for label in map(json.loads, lines)}
