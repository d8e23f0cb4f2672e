// Jobs of BullMQ that do nothing: rival_bullmq.cjs fill SOCKET JOBS queues them, rival_bullmq.cjs work SOCKET CONSUMERS
// takes them until it is ended.
const { createRequire } = require('node:module')
const process = require('node:process')

// The packages lie in .rivals/node, this file among the tests.
const packages = createRequire(process.env.PACKAGES + '/')
const { Queue, Worker } = packages('bullmq')
const Redis = packages('ioredis')
const [what, path, count] = process.argv.slice(2)
const connection = new Redis({ path, maxRetriesPerRequest: null })
const AT_ONCE = 500

async function fill(jobs) {
  const queue = new Queue('bench', { connection })
  for (let first = 0; first < jobs; first += AT_ONCE) {
    const numbers = [...Array(Math.min(AT_ONCE, jobs - first)).keys()]
    await queue.addBulk(numbers.map((at) => ({ name: 'nothing', data: { number: first + at } })))
  }
  await queue.close()
  connection.disconnect()
}

if (what === 'fill') {
  fill(Number(count))
} else {
  new Worker('bench', async (job) => job.data.number, {
    connection,
    concurrency: Number(count),
    removeOnComplete: { count: 0 },
  })
}
