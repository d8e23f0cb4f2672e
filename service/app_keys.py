"""The typed keys under which the application holds its parts."""

from aiohttp import web

from service.background import Background
from service.cases.approvals import Approvals
from service.cases.articles import Articles
from service.cases.author_status import AuthorStatusWorkflow
from service.cases.authors import Authors
from service.cases.comparison import Comparisons
from service.cases.directory import Directory
from service.cases.gate import PromotionGate
from service.cases.models import Models
from service.cases.moderation import Moderation
from service.cases.reviewing import ReviewWorkflow
from service.cases.rulebook import Rulebook
from service.cases.shadow import Shadow
from service.cases.usage import Usage
from service.settings import Settings
from service.store import Store
from service.webhooks.administration import Webhooks

BACKGROUND = web.AppKey("background", Background)
SETTINGS = web.AppKey("settings", Settings)
STORE = web.AppKey("store", Store)
DIRECTORY = web.AppKey("directory", Directory)
SHADOW = web.AppKey("shadow", Shadow)
MODELS = web.AppKey("models", Models)
RULEBOOK = web.AppKey("rulebook", Rulebook)
MODERATION = web.AppKey("moderation", Moderation)
REVIEWING = web.AppKey("reviewing", ReviewWorkflow)
AUTHOR_STATUS = web.AppKey("author_status", AuthorStatusWorkflow)
USAGE = web.AppKey("usage", Usage)
WEBHOOKS = web.AppKey("webhooks", Webhooks)
AUTHORS = web.AppKey("authors", Authors)
APPROVALS = web.AppKey("approvals", Approvals)
ARTICLES = web.AppKey("articles", Articles)
GATE = web.AppKey("gate", PromotionGate)
COMPARISONS = web.AppKey("comparisons", Comparisons)
