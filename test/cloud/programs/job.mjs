// A container's program for tests of the local Batch: says what it was given, then does as its command says.
const [verb, argument] = process.argv.slice(2)
console.log(JSON.stringify({ command: process.argv.slice(2), environment: process.env, folder: process.cwd() }))

process.on('SIGTERM', () => {
  console.log('SIGTERM')
  if (verb !== 'deaf') process.exit(75)
})

if (verb === 'exit') process.exit(Number(argument))
if (verb === 'flaky') process.exit(process.env.AWS_BATCH_JOB_ATTEMPT === '1' ? Number(argument) : 0)
if (verb === 'sleep' || verb === 'deaf') setTimeout(() => {}, 600_000)
