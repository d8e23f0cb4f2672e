// What comment engines of others, unmodified, make of the service: engines.cjs ENGINE KEY, prints JSON.
// Each engine's own check of comments runs with the client that it brings; the engine around it does not.
const { createRequire } = require('node:module')
const process = require('node:process')

const installed = createRequire(process.env.CLIENTS + '/')
const [engine, key] = process.argv.slice(2)
const wrong = `${key.slice(0, -1)}${key.endsWith('0') ? 1 : 0}`
const blog = 'https://blog.example'
const texts = {
  kind: 'Thank you for this article, I learned a lot.',
  rude: 'You stupid fucking idiot, shut up, you worthless piece of shit.',
  spam: 'Check out my channel and subscribe, win a FREE iPhone now!!! http://free-prize.example',
}

async function failed(call) {
  try {
    return await call()
  } catch (error) {
    return `refused: ${error.message}`
  }
}

async function each(check) {
  const found = {}
  for (const [name, text] of Object.entries(texts)) found[name] = await failed(() => check(text))
  return found
}

async function waline() {
  const check = installed('@waline/vercel/src/service/akismet.js')
  const asked = (text) => check({ ip: '203.0.113.7', url: '/post', nick: 'Ann', comment: text }, blog)
  Object.assign(process.env, { AKISMET_KEY: key, SITE_URL: blog })
  const found = await each(asked)
  process.env.AKISMET_KEY = wrong
  return { ...found, stranger: await failed(() => asked(texts.kind)) }
}

async function twikoo() {
  const { postCheckSpam } = installed('twikoo-func/utils/spam.js')
  const asked = (text, used) => {
    const comment = { id: '1', ip: '203.0.113.7', ua: 'Mozilla/5.0', href: `${blog}/post`, nick: 'Ann', comment: text }
    return postCheckSpam({ ...comment, mail: 'ann@example.com' }, { AKISMET_KEY: used, SITE_URL: blog })
  }
  const found = await each((text) => asked(text, key))
  return { ...found, stranger: (await asked(texts.kind, wrong)) ?? null }
}

// What the plugin asks of NodeBB around it: settings, users and counts.
function nodebb(settings) {
  const counts = {}
  const settled = async () => settings
  const parts = {
    winston: { warn() {}, error() {}, verbose() {}, info() {} },
    nconf: { get: () => blog },
    './src/constants': { paths: { currentPackage: installed.resolve('nodebb-plugin-spam-be-gone/package.json') } },
    './src/meta': { settings: { get: settled } },
    './src/user': {
      isAdministrator: async () => false,
      isModerator: async () => false,
      getUserFields: async () => ({ username: 'ann', reputation: 0, email: 'ann@example.com' }),
    },
    './src/topics': { getTopicField: async () => '1/topic' },
    './src/database': {
      incrObjectField: async (_, field) => { counts[field] = (counts[field] ?? 0) + 1 },
      getSortedSetRevRange: async () => ['203.0.113.7'],
    },
    './src/routes/helpers': { setupAdminPageRoute() {} },
  }
  const { require: original } = require.main
  require.main.require = (name) => parts[name] ?? original.call(require.main, name)
  return counts
}

async function spamBeGone() {
  const settings = { akismetEnabled: 'on', akismetApiKey: key, akismetFlagReporting: '1' }
  const counts = nodebb(settings)
  const plugin = installed('nodebb-plugin-spam-be-gone')
  const router = { post() {} }
  await plugin.load({ router })
  const req = { uid: 2, headers: { referer: blog, 'user-agent': 'Mozilla/5.0' }, ip: '203.0.113.7', path: '/topic/1' }
  const posted = async (content) => {
    await plugin.onTopicReply({ content, cid: 1, req })
    return 'posted'
  }
  const found = await each(posted)
  const target = { uid: 2, tid: 1, content: texts.kind }
  await plugin.onPostFlagged({ flag: { type: 'post', description: 'Spam', reporter: { reputation: 5 }, target } })
  const checked = { ...counts }
  settings.akismetApiKey = wrong
  await plugin.load({ router })
  return { ...found, counts: checked, stranger: await failed(() => posted(texts.rude)) }
}

async function guardrails() {
  const { moderationCheck } = installed(process.env.CLIENTS + '/node_modules/@openai/guardrails/dist/checks/moderation.js')
  const found = {}
  for (const [name, text] of Object.entries(texts)) {
    const { tripwireTriggered, info } = await moderationCheck(null, text, {})
    found[name] = { tripwireTriggered, flagged: info.flagged_categories }
  }
  const OpenAI = createRequire(installed.resolve('@openai/guardrails'))('openai')
  const guardrailLlm = new OpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: key })
  const own = await moderationCheck({ guardrailLlm }, texts.rude, {})
  const one = await moderationCheck(null, texts.rude, { categories: ['sexual'] })
  process.env.OPENAI_API_KEY = 'sk-wrong'
  const stranger = await moderationCheck(null, texts.kind, {})
  return { ...found, own: own.tripwireTriggered, one: one.tripwireTriggered, stranger: stranger.executionFailed }
}

const told = console.log
console.log = console.error // engines log to it; what this prints is read as JSON
const engines = { waline, twikoo, nodebb: spamBeGone, guardrails }
engines[engine]().then((found) => told(JSON.stringify(found)))
