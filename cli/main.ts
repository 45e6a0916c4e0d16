import { writeSync } from 'node:fs'
import { exitCodeOf, ReplayError } from '../core/errors.ts'
import { isProgram } from '../core/is-program.ts'
import { nearest } from '../core/nearest-word.ts'
import '../core/provide-library.ts'
import { outputError } from '../core/store/output-file.ts'
import { type CommandIo, type CommandSpec, helpOf, helpOfAll, namesOf, OutputClosed, parseCommand } from './command.ts'
import { book } from './commands/book.ts'
import { cancel } from './commands/cancel.ts'
import { checksum } from './commands/checksum.ts'
import { doctor } from './commands/doctor.ts'
import { exportParts } from './commands/export.ts'
import { features } from './commands/features.ts'
import { follow } from './commands/follow.ts'
import { generate } from './commands/generate.ts'
import { importFiles } from './commands/import.ts'
import { inspect } from './commands/inspect.ts'
import { optimize } from './commands/optimize.ts'
import { plan } from './commands/plan.ts'
import { query } from './commands/query.ts'
import { replay } from './commands/replay.ts'
import { report } from './commands/report.ts'
import { resume } from './commands/resume.ts'
import { run } from './commands/run.ts'
import { runs } from './commands/runs.ts'
import { snapshot } from './commands/snapshot.ts'
import { statistics } from './commands/statistics.ts'
import { status } from './commands/status.ts'
import { submit } from './commands/submit.ts'
import { vacuum } from './commands/vacuum.ts'
import { variants } from './commands/variants.ts'
import { verify } from './commands/verify.ts'
import { EndedAs } from './ended-as.ts'
import { versionText } from './version.ts'

export const COMMANDS: readonly CommandSpec[] = [
  inspect,
  verify,
  replay,
  book,
  features,
  snapshot,
  generate,
  importFiles,
  plan,
  run,
  follow,
  doctor,
  submit,
  status,
  resume,
  cancel,
  query,
  checksum,
  statistics,
  runs,
  variants,
  report,
  exportParts,
  optimize,
  vacuum,
]

/** Runs the command line that the process was started with, and sets its exit code. */
export async function start(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2), {
    out: (data) => writeAll(1, data),
    err: (text) => writeAll(2, text),
    redraws: process.stderr.isTTY === true,
    outIsTerminal: process.stdout.isTTY === true,
  })
}

/** Runs a command line (without `node` and script) and returns the exit code. */
export async function main(argv: readonly string[], io: CommandIo): Promise<number> {
  const [name, ...rest] = argv
  const command = COMMANDS.find((spec) => name !== undefined && namesOf(spec).includes(name))
  const ended = new EndedAs(io, { isJson: rest.includes('--json'), isJsonLines: command?.isJsonLines === true })
  try {
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      ended.io.out(helpOfAll(COMMANDS))
      return name === undefined ? 2 : 0
    }
    if (name === '--version' || name === '-V' || name === 'version') {
      ended.io.out(versionText(rest.includes('--json')))
      return 0
    }
    if (command === undefined) throw unknownCommand(name)
    const input = parseCommand(command, rest)
    if (input.flag('help')) {
      ended.io.out(helpOf(command))
      return 0
    }
    return ended.with(await command.run(input, ended.io))
  } catch (error) {
    // A reader that has enough (`| head`) is no failure, unless something else was to be written.
    if (error instanceof OutputClosed) return 0
    io.err(`${textOf(error)}\n`)
    return ended.byError(error, exitCodeOf(error))
  }
}

function unknownCommand(name: string): ReplayError {
  const near = nearest(name, COMMANDS.flatMap(namesOf))
  return new ReplayError(
    'usage',
    `unknown command ${JSON.stringify(name)}${near === null ? '' : `, did you mean ${near}?`}; see: chronicle-replay --help`,
    { category: 'input' },
  )
}

/** What a user needs of an error: its code and message; of a bug also where it came from. */
function textOf(error: unknown): string {
  if (error instanceof ReplayError && error.category !== 'bug') return `error ${error.code}: ${error.message}`
  return `internal error, please report it: ${error instanceof Error ? error.stack : String(error)}`
}

/** Synchronous, so that nothing is lost when the process ends. @throws OutputClosed; ReplayError input `disk-full`, `output-failed` */
function writeAll(descriptor: 1 | 2, data: string | Uint8Array): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
        continue
      }
      // Work is not given up because nobody hears of it.
      if (descriptor === 2) return
      throw code === 'EPIPE' ? new OutputClosed() : outputError(error, 'standard output')
    }
  }
}

if (isProgram(import.meta.filename)) await start()
