import { parseArgs } from 'node:util'
import { ReplayError } from '../core/errors.ts'
import { nearest } from '../core/nearest-word.ts'

/** An option of a command: `--name VALUE`, or a switch when it has no value. */
export interface OptionSpec {
  /** Placeholder of the value in the help, e.g. `N`; absent for a switch. */
  readonly value?: string
  readonly help: string
  readonly short?: string
  /** May be given several times. */
  readonly many?: boolean
}

export interface ArgumentSpec {
  readonly name: string
  readonly help: string
  readonly optional?: boolean
  /** Takes all that follow. */
  readonly many?: boolean
}

/** One command: the same table parses its arguments and prints its help. */
export interface CommandSpec {
  readonly name: string
  /** A second name that it answers to. */
  readonly alsoCalled?: string
  readonly summary: string
  readonly arguments: readonly ArgumentSpec[]
  readonly options: Readonly<Record<string, OptionSpec>>
  readonly examples: readonly { readonly command: string; readonly does: string }[]
  /** With --json there is a JSON document per line, as they come. @default one document */
  readonly isJsonLines?: boolean
  /** Does the work and returns the exit code. */
  run(input: CommandInput, io: CommandIo): Promise<number>
}

/** Parsed arguments of a command. */
export interface CommandInput {
  readonly positionals: readonly string[]
  /** The value of an option, or undefined when it was not given. */
  text(option: string): string | undefined
  /** The values of an option that may be given several times. */
  texts(option: string): readonly string[]
  /** Whether a switch was given. */
  flag(option: string): boolean
}

/** The reader of standard output went away. */
export class OutputClosed extends ReplayError {
  constructor() {
    super('output-closed', 'the reader of standard output went away, so the files were not written', { category: 'input' })
  }
}

/** The world of a command. */
export interface CommandIo {
  /** Data. @throws OutputClosed; ReplayError input `disk-full`, `output-failed` */
  out(data: string | Uint8Array): void
  /** Progress and advice. */
  err(text: string): void
  /** True: stderr is a terminal, so a line may be redrawn. */
  readonly redraws: boolean
  readonly outIsTerminal: boolean
}

/** Options that every command has. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  json: { help: 'one JSON document on stdout, nothing else there; also of an error' },
  quiet: { help: 'no progress on stderr' },
  help: { help: 'this text', short: 'h' },
}

function optionsOf(spec: CommandSpec): Readonly<Record<string, OptionSpec>> {
  const json = { json: { help: 'JSON lines on stdout, nothing else there; the last one is the error, where there is one' } }
  return { ...spec.options, ...COMMON_OPTIONS, ...(spec.isJsonLines === true && json) }
}

/** @throws ReplayError input `usage` naming what is wrong and, for an unknown option, the nearest known one */
export function parseCommand(spec: CommandSpec, argv: readonly string[]): CommandInput {
  const options = optionsOf(spec)
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { value, short, many }]) => [
      name,
      { type: value === undefined ? 'boolean' : 'string', ...(short && { short }), ...(many && { multiple: true }) } as const,
    ]),
  )
  const usage = (message: string): ReplayError =>
    new ReplayError('usage', `${message}; see: chronicle-replay ${spec.name} --help`, { category: 'input' })
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({ args: joinNegativeValues(argv, options), options: config, allowPositionals: true })
  } catch (cause) {
    const unknown = /Unknown option '(-{1,2}[^']+)'/.exec((cause as Error).message)?.[1]
    if (unknown === undefined) throw usage((cause as Error).message.split('. ')[0]!)
    const near = nearest(unknown.replace(/^-+/, ''), Object.keys(options))
    throw usage(`unknown option ${unknown}${near === null ? '' : `, did you mean --${near}?`}`)
  }
  const { values, positionals } = parsed
  if (values.help !== true) {
    const required = spec.arguments.filter(({ optional }) => optional !== true)
    if (positionals.length < required.length) throw usage(`missing <${required[positionals.length]!.name}>`)
    const isOpen = spec.arguments.some(({ many }) => many === true)
    if (!isOpen && positionals.length > spec.arguments.length)
      throw usage(`unexpected argument ${JSON.stringify(positionals[spec.arguments.length])}`)
  }
  return {
    positionals,
    text: (option) => values[option] as string | undefined,
    texts: (option) => (values[option] ?? []) as string[],
    flag: (option) => values[option] === true,
  }
}

/** `--skew-ms -700..1300` as `--skew-ms=-700..1300`: a value that begins like a negative number is no option. */
function joinNegativeValues(argv: readonly string[], options: Readonly<Record<string, OptionSpec>>): string[] {
  const joined: string[] = []
  for (const word of argv) {
    const previous = joined.at(-1)
    const isValue = /^-[\d.]/.test(word) && previous?.startsWith('--') === true && options[previous.slice(2)]?.value !== undefined
    if (isValue) joined[joined.length - 1] = `${previous}=${word}`
    else joined.push(word)
  }
  return joined
}

/** All that a command answers to. */
export function namesOf({ name, alsoCalled }: CommandSpec): string[] {
  return alsoCalled === undefined ? [name] : [name, alsoCalled]
}

/** Help of one command, in sections. */
export function helpOf(spec: CommandSpec): string {
  const args = spec.arguments.map(({ name, optional, many }) => `${optional ? '[' : '<'}${name}${many ? '…' : ''}${optional ? ']' : '>'}`)
  const options = Object.entries(optionsOf(spec)).map(([name, { value, help, short }]) => [
    `${short ? `-${short}, ` : ''}--${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  ])
  const sections = [
    `${spec.summary}\n`,
    section(
      'USAGE',
      namesOf(spec).map((name) => `  chronicle-replay ${[name, ...args].join(' ')} [options]`),
    ),
    spec.arguments.length === 0 ? '' : section('ARGUMENTS', columns(spec.arguments.map(({ name, help }) => [`<${name}>`, help]))),
    section('OPTIONS', columns(options)),
    section(
      'EXAMPLES',
      spec.examples.flatMap(({ command, does }) => [`  # ${does}`, `  ${command}`]),
    ),
    section('EXIT', ['  0 ok · 2 usage or input · 3 corrupt data · 4 partial · 70 bug · 75 try again']),
  ]
  return sections.filter((text) => text !== '').join('\n')
}

/** Help of the whole program. */
export function helpOfAll(specs: readonly CommandSpec[]): string {
  return [
    'chronicle-replay: replays recorded market data as fast as the hardware reads it\n',
    section('USAGE', ['  chronicle-replay <command> …', '  chronicle-replay <command> --help', '  chronicle-replay --version']),
    section('COMMANDS', columns(specs.map((spec) => [namesOf(spec).join(', '), spec.summary]))),
  ].join('\n')
}

function section(title: string, lines: readonly string[]): string {
  return `${title}\n${lines.join('\n')}\n`
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left!.length))
  return rows.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`)
}
