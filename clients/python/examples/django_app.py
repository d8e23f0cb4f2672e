"""Django: take a comment, publish or hold it, and receive later decisions. One file, for `django-admin runserver`."""

import json
import os

import django
from comment_steward_client import Author, BadSignature, Comment, Steward, StewardError, verify
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

settings.configure(ROOT_URLCONF=__name__, SECRET_KEY=os.urandom(32).hex(), ALLOWED_HOSTS=["*"])
django.setup()

STATUSES: dict[str, str] = {}  # your models
VERSIONS: dict[str, int] = {}

steward = Steward(os.environ["STEWARD_URL"], os.environ["STEWARD_KEY"], timeout_s=5)


@csrf_exempt
@require_POST
def post_comment(request: HttpRequest) -> HttpResponse:
    new = json.loads(request.body)
    STATUSES[new["id"]] = "pending"  # stored first: nothing is lost if Steward is away
    try:
        judged = steward.submit(Comment(new["text"], id=new["id"], author=Author(id=new["reader"])))
    except StewardError:
        return JsonResponse({"id": new["id"], "status": "pending"})  # a job of yours submits these again
    STATUSES[new["id"]], VERSIONS[new["id"]] = judged.status, judged.version
    return JsonResponse({"id": new["id"], "status": judged.status})


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    try:
        event = verify(os.environ["STEWARD_WEBHOOK_SECRET"], request.headers, request.body)
    except BadSignature:
        return HttpResponse(status=401)
    if event.comment_id in STATUSES and event.version > VERSIONS.get(event.comment_id, 0):
        STATUSES[event.comment_id], VERSIONS[event.comment_id] = event.status, event.version
    return HttpResponse(status=204)


urlpatterns = [path("comments", post_comment), path("hooks/steward", receive)]
