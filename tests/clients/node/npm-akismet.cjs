// What npm's akismet, unmodified, makes of the service at a bare address: npm-akismet.cjs HOST PORT KEY, prints JSON.
const { client } = require(`${process.env.CLIENTS}/node_modules/akismet`)
const [host, port, key] = process.argv.slice(2)
const ham = { user_ip: '203.0.113.7', comment_content: 'Thank you for this article, I learned a lot.' }
const spam = { ...ham, comment_content: 'You stupid fucking idiot, shut up, you worthless piece of shit.' }

function asked(where, method, ...given) {
  const speaker = client({ apiKey: key, blog: 'https://npm.example', host: where, endPoint: where, port: Number(port) })
  return new Promise((told, failed) => speaker[method](...given, (error, is) => (error ? failed(error) : told(is))))
}

async function all(where) {
  const verified = await asked(where, 'verifyKey')
  const checked = [await asked(where, 'checkComment', { ...ham }), await asked(where, 'checkComment', { ...spam })]
  await asked(where, 'submitSpam', { ...ham })
  return { verified, checked }
}

all(host).then(async (bare) => console.log(JSON.stringify({ bare, inFront: await all(`${key}@${host}`) })))
