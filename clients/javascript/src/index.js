/**
 * Client of Steward. See index.d.ts for the types; each method is described there.
 */

const RETRIED = new Set([408, 429, 500, 502, 503, 504]);
const TOLERANCE_S = 300;

/** The root of all errors of this client. */
export class StewardError extends Error {
  name = "StewardError";
}

/** There was no answer. Sending the same comment again under the same id is safe. */
export class Unreachable extends StewardError {
  name = "Unreachable";
}

/** A webhook that is not ours, or an old one. */
export class BadSignature extends StewardError {
  name = "BadSignature";
}

/** An answer with an error; `problem` is what Steward said (RFC 9457). */
export class Refused extends StewardError {
  name = "Refused";

  constructor(status, problem) {
    super(`${status} ${problem.code ?? "unknown"}: ${problem.detail ?? ""}`);
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.problem = problem;
  }
}

export class Steward {
  #url;
  #key;
  #timeoutMs;
  #retry;
  #fetch;
  #sleep;

  constructor(url, key, { timeoutMs = 10_000, retry = {}, fetch: send, sleep } = {}) {
    this.#url = url.replace(/\/+$/, "");
    this.#key = key;
    this.#timeoutMs = timeoutMs;
    this.#retry = { tries: 4, firstMs: 250, longestMs: 8_000, ...retry };
    this.#fetch = send ?? ((...asked) => globalThis.fetch(...asked));
    this.#sleep = sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  }

  async score(text, options = {}) {
    const { results } = await this.#send("POST", "/v1/score", { ...options, text });
    return results[0];
  }

  async scoreMany(texts, options = {}) {
    return (await this.#send("POST", "/v1/score", { ...options, texts })).results;
  }

  submit(comment) {
    return this.#send("POST", "/v1/comments", withId(comment));
  }

  async submitMany(comments) {
    return (await this.#send("POST", "/v1/comments:batch", { comments: comments.map(withId) })).results;
  }

  follow(id, { waitS = 0 } = {}) {
    return this.#send("GET", pathOf(id) + (waitS ? `?wait=${waitS}` : ""), undefined, waitS * 1000);
  }

  report(id, reader, reason = "") {
    return this.#send("POST", `${pathOf(id)}/report`, { reporter: reader, reason });
  }

  appeal(id, reason = "") {
    return this.#send("POST", `${pathOf(id)}/appeal`, { reason });
  }

  async erase(id) {
    await this.#send("DELETE", pathOf(id));
  }

  async teach(text, { reject, spam = false, token }) {
    const share = (value) => ({ summaryScore: { value: Number(value) } });
    const attributeScores = { LIKELY_TO_REJECT: share(reject), ...(spam && { SPAM: share(true) }) };
    const body = { comment: { text }, attributeScores, clientToken: token };
    await this.#send("POST", "/v1alpha1/comments:suggestscore", body);
  }

  events({ after, limit = 100 } = {}) {
    const query = new URLSearchParams({ limit: String(limit), ...(after && { after }) });
    return this.#send("GET", `/v1/events?${query}`);
  }

  async reconcile(known) {
    const comments = Object.entries(known).map(([id, revision]) => ({ id, revision }));
    return (await this.#send("POST", "/v1/reconcile", { comments })).unknown.map((each) => each.id);
  }

  async #send(method, path, body, moreMs = 0) {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    for (let tried = 1; ; tried += 1) {
      const { response, text, failure } = await this.#try(method, path, payload, moreMs);
      const mayRetry = !response || RETRIED.has(response.status);
      if (mayRetry && tried < this.#retry.tries) {
        await this.#sleep(this.#pauseMs(tried, response));
        continue;
      }
      if (!response) throw new Unreachable(String(failure?.message ?? failure), { cause: failure });
      return read(response, text);
    }
  }

  async #try(method, path, body, moreMs) {
    const headers = { Authorization: `Bearer ${this.#key}`, ...(body && { "Content-Type": "application/json" }) };
    const signal = AbortSignal.timeout(this.#timeoutMs + moreMs);
    try {
      // A redirect is followed as GET, or without the key: then the answer is not what was asked for.
      const asked = { method, headers, body, signal, credentials: "omit", redirect: "manual" };
      const response = await this.#fetch(this.#url + path, asked);
      return { response, text: await response.text() };
    } catch (failure) {
      return { failure };
    }
  }

  #pauseMs(tried, response) {
    const said = response?.headers.get("Retry-After") ?? "";
    if (/^\d+$/.test(said)) return Math.min(this.#retry.longestMs, Number(said) * 1000);
    return Math.random() * Math.min(this.#retry.longestMs, this.#retry.firstMs * 2 ** (tried - 1));
  }
}

function read(response, text) {
  let value = null;
  let isOurs = true;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    isOurs = false; // something in between answered, such as a proxy's page
  }
  if (!response.ok || !isOurs) throw new Refused(response.status, value && typeof value === "object" ? value : {});
  return value;
}

// With an id of ours if it has none, so that a repeated request does not record it twice.
function withId(comment) {
  return comment.id ? comment : { ...comment, id: randomId() };
}

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function pathOf(id) {
  return `/v1/comments/${encodeURIComponent(id)}`;
}

export async function verify(secret, headers, body, { toleranceS = TOLERANCE_S, nowS = Date.now() / 1000 } = {}) {
  const header = (name) => (typeof headers.get === "function" ? headers.get(name) : lower(headers)[name]) ?? "";
  const sentAt = header("webhook-timestamp");
  if (!/^\d+$/.test(sentAt)) throw new BadSignature("the header webhook-timestamp is missing or not a number");
  if (!(Math.abs(nowS - Number(sentAt)) <= toleranceS)) throw new BadSignature("the webhook is too old");
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : new Uint8Array(body);
  const head = new TextEncoder().encode(`${header("webhook-id")}.${sentAt}.`);
  const signed = new Uint8Array(head.length + bytes.length);
  signed.set(head);
  signed.set(bytes, head.length);
  const given = header("webhook-signature").split(" ").filter((each) => each.startsWith("v1,"));
  for (const each of [secret].flat()) {
    const key = await crypto.subtle.importKey("raw", decoded(each.replace(/^whsec_/, "")), HMAC, false, ["verify"]);
    for (const signature of given) {
      if (await isSignature(key, signature.slice(3), signed)) return eventOf(bytes);
    }
  }
  throw new BadSignature("the signature is missing or wrong");
}

const HMAC = { name: "HMAC", hash: "SHA-256" };

async function isSignature(key, signature, signed) {
  try {
    return await crypto.subtle.verify("HMAC", key, decoded(signature), signed); // in constant time
  } catch {
    return false; // not base64
  }
}

function eventOf(bytes) {
  const { type, data } = JSON.parse(new TextDecoder().decode(bytes));
  return { ...data, type };
}

function decoded(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function lower(headers) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
