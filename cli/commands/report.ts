import path from 'node:path'
import { ReplayError } from '../../core/errors.ts'
import { splitRunUri } from '../../core/plan/run/run-files.ts'
import { OutputFile } from '../../core/store/output-file.ts'
import { makeReport } from '../../report/report.ts'
import type { ReportCommands } from '../../report/text-sections.ts'
import { badOption, listOption, outputOption } from '../arguments.ts'
import { ENDPOINT } from '../cloud-clients.ts'
import type { CommandInput, CommandSpec } from '../command.ts'
import { bytesText, commandText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { remoteParts } from '../remote-parts.ts'
import { aloneCommand, resumeCommand } from '../run-report.ts'
import { STATISTICS_OPTIONS, statisticsOptions } from '../statistics-options.ts'
import { openTableStore } from '../table-store.ts'
import { olderCodeText } from '../variant-text.ts'

export const report: CommandSpec = {
  name: 'report',
  summary: 'one HTML file on a run: totals, failures, timeline, data quality, cost, charts of the rows',
  arguments: [{ name: 'table', help: 'folder of a table' }],
  options: {
    run: { value: 'R', help: 'a run, by id or URI, also one that failed or is not committed (default: the newest commit’s)' },
    out: { value: 'F.html', help: 'the file (default: report-<run>.html here)' },
    plot: { value: 'C,D', help: 'columns to chart (default: the first three numeric ones)' },
    metric: {
      value: 'SQL',
      help: 'what a sweep compares, e.g. "corr(imbalance, next_mid / mid - 1)": next_x is x in the row after (default: the mean of the first column)',
    },
    param: { value: 'K=V', help: 'the variant to chart, by values of its parameters (default: the first)', many: true },
    ...STATISTICS_OPTIONS,
    cost: { help: 'also what it would cost on AWS; a run that was there is always told' },
    endpoint: ENDPOINT,
  },
  examples: [
    { command: 'chronicle-replay report out', does: 'the newest run, as report-<run>.html' },
    {
      command: 'chronicle-replay report out --plot mid,imbalance --metric "stddev(imbalance)" --out sweep.html',
      does: 'charts of two columns, and of a sweep the spread of one',
    },
    { command: 'chronicle-replay report grid --book-size 10000', does: 'of a backtest also returns on 10,000' },
    { command: 'chronicle-replay report out --run 20240808T120000Z-7f3a09c2', does: 'a run that failed, to see why' },
  ],
  async run(input, io) {
    const uri = input.positionals[0]!.replace(/(?<=.)\/+$/, '')
    const file = outputOption(input, 'out')
    const progress = new ProgressLine(io, input)
    const store = openTableStore(uri, input)
    const options = {
      run: runOf(input, uri),
      plot: listOption(input, 'plot'),
      metric: input.text('metric'),
      params: paramsOf(input),
      statistics: statisticsOptions(input),
      cost: input.flag('cost'),
      remote: remoteParts(input, io),
    }
    const { model, html } = await makeReport(store, { ...options, commands: commandsFor(uri), clock: Date.now })
    const { run } = model.head
    const out = file ?? `report-${run}.html`
    writeWhole(out, html)
    const bytes = Buffer.byteLength(html)
    const reconciles = model.checks.every(({ holds }) => holds)
    if (input.flag('json')) io.out(jsonText({ run, state: model.state, out: path.resolve(out), bytes, reconciles }))
    else io.out(`${path.resolve(out)}\n`)
    for (const { what, left, leftIs, right, rightIs } of model.checks.filter(({ holds }) => !holds))
      progress.problem(`the totals differ: ${what}: ${left} ${leftIs}, ${right} ${rightIs}`)
    const next =
      model.commits.length === 0 ? resumeCommand(uri, run) : `${commandText(['chronicle-replay', 'query', uri])} "select * from t limit 10"`
    const given = Object.keys(STATISTICS_OPTIONS).filter((name) => input.text(name) !== undefined)
    if (given.length > 0 && model.figures.backtest === null)
      progress.note(`note: ${given.map((name) => `--${name}`).join(', ')}: for backtests; this report has no statistics of one`)
    const older = olderCodeText(model.otherCode, uri)
    if (older !== null) progress.note(`note: ${older}`)
    progress.note(`run ${run}, ${model.state}: ${bytesText(bytes)}, one file, for any browser\nnext: ${next}`)
    return 0
  },
}

function runOf(input: CommandInput, uri: string): string | undefined {
  const given = input.text('run')
  if (given === undefined) return undefined
  const split = splitRunUri(given)
  if (split === null) return given
  if (split.table.replace(/\/+$/, '') === uri) return split.run
  throw new ReplayError('usage', `--run: expected a run of ${uri}, found ${given}`, { category: 'input' })
}

/** @throws ReplayError input `usage` */
function paramsOf(input: CommandInput): ReadonlyMap<string, string> {
  return new Map(
    input.texts('param').map((text) => {
      const at = text.indexOf('=')
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
      throw badOption('param', 'a parameter and its value, e.g. depth=5', text)
    }),
  )
}

function commandsFor(tableUri: string): ReportCommands {
  return {
    alone: (failure, head) => aloneCommand(failure, { tableUri, head }),
    resume: (run) => resumeCommand(tableUri, run),
    variants: () => commandText(['chronicle-replay', 'variants', tableUri]),
    query: (sql, run) => commandText(['chronicle-replay', 'query', tableUri, sql, ...(run === null ? [] : ['--as-of', run])]),
  }
}

/** A reader sees the old file or the whole new one. @throws ReplayError input `output-failed`, `disk-full` */
function writeWhole(path: string, text: string): void {
  const file = new OutputFile({ path }, { whole: true })
  try {
    file.write(Buffer.from(text))
    file.close()
  } finally {
    file.abandon()
  }
}
