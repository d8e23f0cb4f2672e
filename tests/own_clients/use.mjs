// Every operation of our JavaScript client against the service: use.mjs URL KEY, prints JSON.
import process from 'node:process'
import { BadSignature, Refused, Steward, Unreachable, verify } from '../../clients/javascript/src/index.js'

const [url, key] = process.argv.slice(2)
const civil = 'Thank you for this article; I learned a lot about how substations are repaired.'
const insult = 'You stupid fucking idiot, shut up, you worthless piece of shit.'
const finnish = 'Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä.'
const steward = new Steward(`${url}/`, key)
const found = {}

async function refused(call) {
  try {
    await call()
  } catch (error) {
    return [error.name, error.status, error.problem?.errors?.[0]?.pointer].filter((each) => each !== undefined)
  }
  return null
}

const scored = await steward.score(insult, { spans: true })
found.score = [scored.scores.insult > 0.9, scored.language, scored.spans.length > 0]
found.many = (await steward.scoreMany([civil, insult])).map((each) => each.scores.insult > 0.5)
found.statuses = []
for (const text of [civil, insult, finnish]) found.statuses.push((await steward.submit({ text })).status)
const comment = { id: 'js/1', text: civil, author: { id: 'u-1', name: 'Ann' }, article: { id: 'a-1', title: 'Title' } }
found.twice = [(await steward.submit(comment)).revision, (await steward.submit(comment)).revision]
const batch = await steward.submitMany([{ text: `${civil} In a batch.` }, { text: '' }])
found.batch = [batch[0].status, batch[1].status, batch[1].errors[0].pointer]
found.follow = (await steward.follow('js/1', { waitS: 1 })).status
found.report = (await steward.report('js/1', 'reader-1', 'rude')).id
await steward.submit({ id: 'js/2', text: insult })
found.appeal = (await steward.appeal('js/2', 'a joke')).id
await steward.teach('Buy my pen', { reject: true, spam: true, token: 'js-7' })
found.reconcile = await steward.reconcile({ 'js/1': 1, lost: 1 })
const page = await steward.events({ limit: 1000 })
found.events = page.events.some((each) => each.status === 'pending') && typeof page.next === 'string'
await steward.erase('js/1')
found.erased = (await steward.follow('js/1')).scores
found.refused = await refused(() => steward.submit({ text: 'a', language: 'not a tag!' }))
found.missing = await refused(() => steward.follow('nobody-sent-it'))
found.stranger = await refused(() => new Steward(url, 'cmk_live_wrong').score('a'))

// Where things go wrong: the same id through all tries, pauses, and an end.
const sent = []
const pauses = []
const answers = [new TypeError('away'), new Response('{}', { status: 503, headers: { 'Retry-After': '3' } }), new Response('<html>', { status: 502 })]
const flaky = new Steward('https://a.example', 'k', {
  fetch: async (_, { body }) => {
    sent.push(JSON.parse(body).id)
    const answer = answers.shift() ?? new Response('{"status": "approved"}')
    if (answer instanceof Error) throw answer
    return answer
  },
  sleep: async (ms) => { pauses.push(ms) },
})
found.retried = [(await flaky.submit({ text: 'a' })).status, sent.length, new Set(sent).size, pauses[1]]
const away = new Steward('http://127.0.0.1:1', 'k', { retry: { tries: 2 }, sleep: async () => {} })
found.away = await away.score('a').catch((error) => error instanceof Unreachable)
const once = []
const busy = new Steward('https://a.example', 'k', {
  fetch: async () => { once.push(1); return new Response('{"code": "bad_request"}', { status: 400 }) },
})
found.once = [await busy.submit({ text: 'a' }).catch((error) => error instanceof Refused && error.code), once.length]
const between = [
  new Response(null, { status: 301, headers: { Location: 'https://b.example/' } }),
  new Response('<html>Back soon</html>'),
]
found.between = []
for (const answer of between) {
  const steward = new Steward('https://a.example', 'k', {
    fetch: async (_, { redirect }) => { found.between.push(redirect); return answer },
  })
  found.between.push(await refused(() => steward.erase('c-1')))
}

// Webhooks.
const secret = `whsec_${btoa('k'.repeat(24))}`
const body = '{"type": "decision.created", "data": {"comment_id": "c-1", "version": 2, "status": "rejected", "note": "ä"}}'
async function signed(nowS, by = secret) {
  const raw = Uint8Array.from(atob(by.slice(6)), (character) => character.charCodeAt(0))
  const hmac = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const mac = await crypto.subtle.sign('HMAC', hmac, new TextEncoder().encode(`evt_1.${nowS}.${body}`))
  const signature = btoa(String.fromCharCode(...new Uint8Array(mac)))
  return { 'Webhook-Id': 'evt_1', 'Webhook-Timestamp': String(nowS), 'Webhook-Signature': `v1,AAAA v1,!! v1,${signature}` }
}
const nowS = 1_800_000_000
const isForged = (...asked) => verify(...asked).then(() => false, (error) => error instanceof BadSignature)
const headers = await signed(nowS)
found.event = await verify([`whsec_${btoa('o'.repeat(24))}`, secret], new Headers(headers), new TextEncoder().encode(body), { nowS })
found.forged = [
  await isForged(secret, headers, `${body} `, { nowS }),
  await isForged(secret, headers, body, { nowS: nowS + 301 }),
  await isForged(secret, await signed(nowS, `whsec_${btoa('o'.repeat(24))}`), body, { nowS }),
  await isForged(secret, {}, body, { nowS }),
]
console.log(JSON.stringify(found))
