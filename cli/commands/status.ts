import { ENDPOINT } from '../cloud-clients.ts'
import { RunReceiptsReader } from '../cloud-receipts.ts'
import { exitCodeOfRun, reportStatus } from '../cloud-report.ts'
import { openCloudRun } from '../cloud-run.ts'
import { isOver, statusDocument, statusOf } from '../cloud-status.ts'
import type { CommandSpec } from '../command.ts'
import { jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'

export const RUN_ARGUMENT = { name: 'run', help: 'URI of the run, s3://…/_chronicle/runs/<id>; or its id with --table' }
export const RUN_OPTIONS = {
  table: { value: 's3://…', help: 'table of the run, where only its id is given' },
  endpoint: ENDPOINT,
}

export const status: CommandSpec = {
  name: 'status',
  summary:
    'how a run on AWS stands: tasks, what waits and why, messages/s, dollars so far, outcome; of a run that is over the exit code says how it ended',
  arguments: [RUN_ARGUMENT],
  options: RUN_OPTIONS,
  examples: [
    { command: 'chronicle-replay status s3://tables/bars/_chronicle/runs/20240808T120000Z-7f3a09c2', does: 'one look' },
    { command: 'chronicle-replay status 20240808T120000Z-7f3a09c2 --table s3://tables/bars --json', does: 'for machines' },
  ],
  async run(input, io) {
    const run = await openCloudRun(input, 'status')
    const found = await statusOf(run, new RunReceiptsReader(run), Date.now())
    if (input.flag('json')) io.out(jsonText(statusDocument(found)))
    reportStatus(found, run.tableUri, new ProgressLine(io, input))
    return isOver(found) ? exitCodeOfRun(found) : 0
  },
}
