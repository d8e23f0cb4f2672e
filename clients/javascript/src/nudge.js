/**
 * Tells a writer, before the comment is sent, that it may be read as an insult. It never keeps anybody from sending.
 * It needs a key with the scope `score` alone, limited to the page's origin: everybody can read that key.
 */

const MESSAGES = {
  en: {
    insult: "This may be read as an insult.",
    identity_attack: "This may be read as an attack on a group of people.",
    threat: "This may be read as a threat.",
    profanity: "Some readers may find these words rude.",
    toxicity: "This may be read as hurtful.",
  },
  de: {
    insult: "Das kann als Beleidigung verstanden werden.",
    identity_attack: "Das kann als Angriff auf eine Gruppe verstanden werden.",
    threat: "Das kann als Drohung verstanden werden.",
    profanity: "Manche Leser finden diese Wörter grob.",
    toxicity: "Das kann als verletzend verstanden werden.",
  },
  uk: {
    insult: "Це можуть сприйняти як образу.",
    identity_attack: "Це можуть сприйняти як напад на групу людей.",
    threat: "Це можуть сприйняти як погрозу.",
    profanity: "Дехто з читачів вважатиме ці слова грубими.",
    toxicity: "Це може когось зачепити.",
  },
};
// The most specific first: what is said is the first that reaches the threshold.
const ORDER = ["threat", "identity_attack", "insult", "profanity", "toxicity"];
const LONGEST = 5_000;
let count = 0;

export function nudge(field, options) {
  const { url, key, threshold = 0.8, delayMs = 800, shortest = 8, timeoutMs = 5_000 } = options;
  const language = (options.language ?? document.documentElement.lang ?? "en").slice(0, 2).toLowerCase();
  const messages = { ...(MESSAGES[language] ?? MESSAGES.en), ...options.messages };
  const said = options.output ?? appendOutput(field);
  let timer;
  let running;
  let asked = "";

  // The element always stays in the page, without text: screen readers speak of changes in what they know.
  function show(text) {
    if (said.textContent !== text) said.textContent = text;
  }

  function messageFor(scores) {
    const reached = ORDER.find((name) => messages[name] && scores[name] >= (threshold[name] ?? threshold));
    return reached ? messages[reached] : "";
  }

  async function ask() {
    const text = field.value.trim().slice(0, LONGEST);
    if (text.length < shortest) return show("");
    if (text === asked) return undefined;
    const own = (running = new AbortController());
    const late = setTimeout(() => own.abort(), timeoutMs);
    try {
      const response = await fetch(`${url.replace(/\/+$/, "")}/v1/score`, {
        method: "POST",
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
        body: JSON.stringify({ text }),
        credentials: "omit",
        signal: own.signal,
      });
      if (!response.ok || own !== running) return undefined;
      const { results } = await response.json();
      asked = text;
      return show(messageFor(results[0].scores));
    } catch {
      return undefined; // away, or typed on: nothing is said
    } finally {
      clearTimeout(late);
    }
  }

  function changed() {
    clearTimeout(timer);
    running?.abort();
    asked = "";
    timer = setTimeout(ask, delayMs);
  }

  field.addEventListener("input", changed);
  return {
    element: said,
    stop() {
      clearTimeout(timer);
      running?.abort();
      field.removeEventListener("input", changed);
      show("");
    },
  };
}

// Announced politely, and described by it, so that whoever comes back to the field hears it again.
function appendOutput(field) {
  const said = document.createElement("p");
  said.id = `steward-nudge-${(count += 1)}`;
  said.className = "steward-nudge";
  said.setAttribute("role", "status");
  field.insertAdjacentElement("afterend", said);
  const described = field.getAttribute("aria-describedby");
  field.setAttribute("aria-describedby", described ? `${described} ${said.id}` : said.id);
  return said;
}
