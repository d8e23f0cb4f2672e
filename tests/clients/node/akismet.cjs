// What the unmodified akismet-api of npm makes of the service: akismet.cjs HOST:PORT LABEL, prints JSON.
const { createRequire } = require('node:module')
const process = require('node:process')

// The packages lie in .clients/node, this file among the tests.
const { AkismetClient } = createRequire(process.env.CLIENTS + '/')('akismet-api')
const [host, label] = process.argv.slice(2)
const blog = 'https://node.example'
const ham = { ip: '203.0.113.7', useragent: 'Mozilla/5.0', content: 'Thank you for this article, I learned a lot.', name: 'Ann' }
const spam = { ...ham, content: 'Check out my channel and subscribe, win a FREE iPhone now!!! http://free-prize.example' }

async function failed(call) {
  try {
    await call()
  } catch (error) {
    return error.message
  }
  return null
}

async function main() {
  const client = new AkismetClient({ key: label, blog, host, protocol: 'http' })
  const wrong = `${label.slice(0, -1)}${label.endsWith('0') ? 1 : 0}`
  const stranger = new AkismetClient({ key: wrong, blog, host, protocol: 'http' })
  return {
    verified: [await client.verifyKey(), await stranger.verifyKey()],
    checked: [await client.checkSpam(ham), await client.checkSpam(spam)],
    guaranteed: await client.checkSpam({ ...ham, name: 'viagra-test-123' }),
    administrator: await client.checkSpam({ ...spam, role: 'administrator', isTest: true }),
    trapped: await client.checkSpam({ ...ham, honeypot: 'http://me.example' }),
    untrapped: await client.checkSpam({ ...ham, honeypot: '' }),
    thanked: [(await client.submitSpam(spam)).text, (await client.submitHam(ham)).text],
    stranger: await failed(() => stranger.checkSpam(ham)),
    nobody: await failed(() => client.checkSpam({ content: 'no address of the author' })),
  }
}

main().then(found => console.log(JSON.stringify(found)))
