// What the unmodified OpenAI client of npm makes of the service: openai.mjs URL KEY, prints JSON.
import { createRequire } from 'node:module'
import process from 'node:process'

// The packages lie in .clients/node, this file among the tests.
const require = createRequire(process.env.CLIENTS + '/')
const OpenAI = require('openai')
const [url, key] = process.argv.slice(2)
const threat = 'I will kill you, you stupid bitch. I know where you live.'

async function refused(call) {
  try {
    await call()
  } catch (error) {
    const { status, type, param, code, message, requestID } = error
    return { exception: error.constructor.name, status, type, param, code, message, requestID }
  }
  return null
}

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key })
const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-wrong-0123456789abcdef' })
const part = { type: 'text', text: threat }
const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }
const counts = []
for (const input of ['a', ['a'], ['a', 'b', 'c'], [part], [part, part]]) {
  counts.push((await client.moderations.create({ input })).results.length)
}
const answer = await client.moderations.create({ input: threat, model: 'text-moderation-stable' })
const found = {
  id: answer.id,
  model: answer.model,
  requestId: answer._request_id,
  flagged: answer.results[0].flagged,
  violence: answer.results[0].categories.violence,
  score: answer.results[0].category_scores['harassment/threatening'],
  applied: answer.results[0].category_applied_input_types['self-harm'],
  counts,
  models: (await client.models.list()).data.map((each) => each.id),
  wrongKey: await refused(() => stranger.moderations.create({ input: 'hello' })),
  image: await refused(() => client.moderations.create({ input: [part, image] })),
  tooMany: await refused(() => client.moderations.create({ input: [image, image] })),
}
console.log(JSON.stringify(found))
