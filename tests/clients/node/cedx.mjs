// What the unmodified @cedx/akismet of npm makes of the service: cedx.mjs URL KEY, prints JSON.
import { createRequire } from 'node:module'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

// The packages lie in .clients/node, this file among the tests; this one has no entry for require.
const { resolve } = createRequire(process.env.CLIENTS + '/')
const folder = resolve.paths('@cedx/akismet')[0]
const { Author, Blog, CheckResult, Client, Comment } = await import(pathToFileURL(`${folder}/@cedx/akismet/lib/index.js`))
const [url, key] = process.argv.slice(2)
const blog = new Blog({ url: 'https://cedx.example' })
const author = new Author({ ipAddress: '203.0.113.7', userAgent: 'Mozilla/5.0', name: 'Ann' })
const ham = new Comment({ author, content: 'Thank you for this article, I learned a lot.', context: ['a', 'b'] })
const spam = new Comment({ author, content: 'Check out my channel and subscribe, win a FREE iPhone now!!! http://free-prize.example' })
const wrong = `${key.slice(0, -1)}${key.endsWith('0') ? 1 : 0}`
const client = new Client(key, blog, { baseUrl: url })

const found = {
  verified: [await client.verifyKey(), await new Client(wrong, blog, { baseUrl: url }).verifyKey()],
  checked: [await client.checkComment(ham) === CheckResult.ham, await client.checkComment(spam) !== CheckResult.ham],
  // Two keys: the field, which is the client's option, wins over the path.
  both: [
    await new Client(key, blog, { baseUrl: `${url}/k/${wrong}` }).verifyKey(),
    await new Client(wrong, blog, { baseUrl: `${url}/k/${key}` }).verifyKey(),
  ],
}
await client.submitSpam(spam)
await client.submitHam(ham)
console.log(JSON.stringify(found))
