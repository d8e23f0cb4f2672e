"""Reads the body of a moderation request."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from service.compat.openai.errors import Refusal
from service.http import bodies
from service.values.domain import MAX_BATCH_ITEMS
from service.values.errors import BadRequest
from service.values.openai_models import MODELS


class ModerationsRequest(NamedTuple):
    """`texts`: one for each result; None for an input without any text."""

    model: str
    texts: Sequence[str | None]


def asked(raw: bytes, model: str, *, ignore_images: bool) -> ModerationsRequest:
    """Raises BadRequest with a Refusal. `model`: our model version, which a request may name."""
    body = bodies.parse(bodies.decoded(raw))
    if not isinstance(body, dict):
        _refuse("", "The body must be a JSON object.", None)
    wanted = body.get("model")
    if wanted in (None, ""):
        wanted = MODELS[0]
    if not isinstance(wanted, str):
        _refuse("/model", f"Invalid type for 'model': expected a string, but got {_kind(wanted)}.", "invalid_type")
    wanted = wanted.removeprefix(_PROVIDER)
    if wanted not in (*MODELS, model):
        # Do not quote the requested name: it can be any text.
        served = ", ".join((*MODELS, model))
        _refuse("/model", f"The model does not exist or is no model for moderation; there are {served}.", _NO_MODEL)
    if body.get("input") is None:
        _refuse("/input", "Missing required parameter: 'input'.", "missing_required_parameter")
    return ModerationsRequest(wanted, _texts(body["input"], ignore_images=ignore_images))


# LiteLLM's name for OpenAI in front of a model, which it does not always remove.
_PROVIDER = "openai/"
_NO_MODEL = "model_not_found"


def _texts(given: Any, *, ignore_images: bool) -> Sequence[str | None]:  # noqa: ANN401 - any JSON
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list):
        _wrong_type("/input", "a string, an array of strings or an array of parts", given)
    if not given:
        _refuse("/input", "Invalid 'input': empty array. Expected at least one item.", "invalid_value")
    if len(given) > MAX_BATCH_ITEMS:
        _refuse("/input", f"Invalid 'input': more than {MAX_BATCH_ITEMS} items.", "invalid_value")
    if isinstance(given[0], str):
        for place, each in enumerate(given):
            if not isinstance(each, str):
                _wrong_type(f"/input/{place}", "a string, as the first item is", each)
        return given
    return [_together(given, ignore_images=ignore_images)]


def _together(parts: Sequence[Any], *, ignore_images: bool) -> str | None:
    """The joined text parts of one input; None if there are only images."""
    texts, images = list[str](), 0
    for place, part in enumerate(parts):
        if not isinstance(part, dict):
            _wrong_type(f"/input/{place}", "a string or a part, all of one kind", part)
        kind = part.get("type")
        if kind == "text":
            if not isinstance(part.get("text"), str):
                _wrong_type(f"/input/{place}/text", "a string", part.get("text"))
            texts.append(part["text"])
        elif kind == "image_url":
            images += 1
            _check_image(part, place)
        else:
            _refuse(f"/input/{place}/type", f"Invalid 'input[{place}].type': 'text' or 'image_url'.", "invalid_value")
    _check_images(images, ignore_images=ignore_images)
    return "\n".join(texts) if texts else None


def _check_image(part: Mapping[str, Any], place: int) -> None:
    image = part.get("image_url")
    if not isinstance(image, dict) or not isinstance(image.get("url"), str):
        _wrong_type(f"/input/{place}/image_url", "an object with a 'url'", image)


def _check_images(count: int, *, ignore_images: bool) -> None:
    """Check an image URL. It is never fetched: that would be a server-side request forgery."""
    if count > 1:
        _refuse("/input", f"Number of images ({count}) exceeds maximum of 1.", "too_many_images")
    if count and not ignore_images:
        said = "Invalid 'input': this server judges text only. Leave the image out, or have the operator ignore images."
        _refuse("/input", said, "invalid_value")


def _wrong_type(at: str, wanted: str, got: Any) -> NoReturn:  # noqa: ANN401 - any JSON
    name = at.removeprefix("/").replace("/", ".")
    _refuse(at, f"Invalid type for '{name}': expected {wanted}, but got {_kind(got)}.", "invalid_type")


def _refuse(at: str, said: str, code: str | None) -> NoReturn:
    raise BadRequest(said, [Refusal(at, said, code)])


def _kind(value: Any) -> str:  # noqa: ANN401 - any JSON
    kinds = {bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "an array"}
    return kinds.get(type(value), "null" if value is None else "an object")
