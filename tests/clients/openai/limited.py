"""What the unmodified OpenAI client does when its key may ask rarely: limited.py URL KEY, prints JSON."""

import json
import sys

import openai

URL, KEY = sys.argv[1:]
with openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY) as patient:
    # By itself it waits as long as Retry-After says, and sends the request again.
    answered = [len(patient.moderations.create(input="hello").results) for _ in range(2)]
    try:
        patient.with_options(max_retries=0).moderations.create(input="hello")
        error = None
    except openai.RateLimitError as limited:
        error = {"type": limited.type, "code": limited.code, "retry_after": limited.response.headers["retry-after"]}
print(json.dumps({"answered": answered, "error": error}))
