"""What LangChain's moderation chain, unmodified, makes of the service; takes OPENAI_* and prints JSON."""

import asyncio
import json
import os

from langchain_classic.chains import OpenAIModerationChain

KIND = "Thank you for this article, I learned a lot."
RUDE = "You stupid fucking idiot, shut up, you worthless piece of shit."


def raised(call):
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - whatever its users would see
        return type(error).__name__


chain, strict = OpenAIModerationChain(), OpenAIModerationChain(error=True)
found = {
    "kind": chain.invoke(KIND)["output"] == KIND,
    "rude": chain.invoke(RUDE)["output"],
    "asynchronous": asyncio.run(chain.ainvoke(RUDE))["output"],
    "strict": raised(lambda: strict.invoke(RUDE)),
}
os.environ["OPENAI_API_KEY"] = "sk-wrong"
stranger = OpenAIModerationChain()
found["stranger"] = raised(lambda: stranger.invoke(KIND))
print(json.dumps(found))
