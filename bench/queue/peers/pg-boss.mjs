// npm `pg-boss`.
import PgBoss from 'pg-boss'
import { atOnce, chunks, count, endWithStandardInput, produce, settings, url, verb, words } from './tally.mjs'

const boss = new PgBoss(verb === 'produce' ? { connectionString: url, max: atOnce } : url)
boss.on('error', (error) => console.error(error))
await boss.start()

if (verb === 'setup') {
  await boss.createQueue('noop')
  await boss.stop({ graceful: false })
} else if (verb === 'enqueue') {
  for (const some of chunks(Number(words[0]), 10_000)) await boss.insert(some.map((data) => ({ name: 'noop', data })))
  await boss.stop({ graceful: false })
} else if (verb === 'work') {
  endWithStandardInput()
  const given = settings(words[1])
  const options = {}
  if (given.batch_size) options.batchSize = given.batch_size
  if (given.poll_ms) options.pollingIntervalSeconds = given.poll_ms / 1000
  for (let place = 0; place < (given.workers ?? 1); place += 1) {
    const id = await boss.work('noop', options, async (jobs) => {
      for (const job of jobs) count(job.data)
      // "Bypass the job polling interval for this iteration in the loop": there is probably more.
      if (given.notify_worker) boss.notifyWorker(id)
    })
  }
} else if (verb === 'produce') {
  await produce((data) => boss.send('noop', data))
}
process.exitCode = 0
if (verb === 'setup' || verb === 'enqueue') process.exit()
