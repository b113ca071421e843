// npm `graphile-worker`.
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import { atOnce, chunks, count, endWithStandardInput, produce, settings, url, verb, words } from './tally.mjs'

// It would write a line for each task.
const logger = new Logger(() => () => {})
const utils = (more) => makeWorkerUtils({ connectionString: url, logger, ...more })

if (verb === 'setup') {
  const made = await utils()
  await made.migrate()
  await made.release()
} else if (verb === 'enqueue') {
  const made = await utils()
  for (const some of chunks(Number(words[0]), 10_000)) {
    await made.addJobs(some.map((payload) => ({ identifier: 'noop', payload })))
  }
  await made.release()
} else if (verb === 'work') {
  endWithStandardInput()
  const given = settings(words[1])
  const worker = { connectionString: url, logger }
  if (given.concurrency) worker.concurrentJobs = given.concurrency
  if (given.connections) worker.maxPoolSize = given.connections
  if (given.local_queue) worker.localQueue = { size: given.local_queue }
  if ('complete_batch_delay_ms' in given) worker.completeJobBatchDelay = given.complete_batch_delay_ms
  const runner = await run({ preset: { worker }, taskList: { noop: async (payload) => count(payload) } })
  await runner.promise
} else if (verb === 'produce') {
  const made = await utils({ maxPoolSize: atOnce })
  await produce((payload) => made.addJob('noop', payload))
}
