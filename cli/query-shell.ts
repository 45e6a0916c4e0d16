import readline from 'node:readline'
import { exitCodeOf, ReplayError } from '../core/errors.ts'
import type { OpenResult } from '../core/table/open-result.ts'
import type { Query } from '../core/table/query.ts'
import { isBlankSql, splitStatements } from '../core/table/sql-statements.ts'
import type { CommandIo } from './command.ts'
import { countText } from './output.ts'
import { type AnswerTo, answer, rowsText } from './query-answer.ts'
import { completionsOf, isShellWord, SHELL_HELP, type ShellWords, shellWord } from './shell-words.ts'

/** Rows of a result that a terminal is shown at once. */
const PAGE_ROWS = 100
const PROMPT = 't> '
/** Within a statement. */
const MORE_PROMPT = '…> '

/** Streams of the shell; the prompt goes to stderr, so that stdout holds results alone. */
export interface ShellStreams {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
  /** Somebody types: there is a prompt, lines can be edited, and long results come in pages. */
  readonly isInteractive: boolean
}

/**
 * Statements from a terminal or a pipe, each up to its semicolon, over as many lines as it has; words that begin with a dot are the
 * shell's own. An error ends only its statement.
 * @returns exit code: typed in, always 0; of a pipe that of the first statement that failed
 */
export async function queryShell(query: Query, to: AnswerTo, streams: ShellStreams, io: CommandIo): Promise<number> {
  return new QueryShell(query, to, streams, io).run()
}

class QueryShell implements ShellWords {
  pageRows: number
  format: AnswerTo['format']
  readonly query: Query
  readonly #to: AnswerTo
  readonly #io: CommandIo
  readonly #isInteractive: boolean
  readonly #lines: readline.Interface
  /** The statement that is being typed. */
  #typed = ''
  #isAtWork = false
  #isCancelled = false
  #isLeaving = false
  #exitCode = 0
  /** What is left of the last result. */
  #open: OpenResult | null = null
  #shown = 0

  constructor(query: Query, to: AnswerTo, { input, output, isInteractive }: ShellStreams, io: CommandIo) {
    this.query = query
    this.#to = to
    this.format = to.format
    this.#io = io
    this.#isInteractive = isInteractive
    this.pageRows = isInteractive ? PAGE_ROWS : Number.POSITIVE_INFINITY
    this.#lines = readline.createInterface({
      input,
      ...(isInteractive && { output, completer: (line: string, done: Completed) => void this.#complete(line, done) }),
      terminal: isInteractive,
      historySize: 1000,
      removeHistoryDuplicates: true,
      prompt: PROMPT,
    })
  }

  async run(): Promise<number> {
    if (this.#isInteractive) this.#io.err('the view is t; a statement ends with ; and may have several lines; .help tells the rest\n')
    this.#lines.on('SIGINT', () => this.#cancel())
    // Lines that come while a statement runs wait for it.
    for await (const line of this.#prompted()) {
      await this.#take(line)
      if (this.#isLeaving) break
    }
    this.#lines.close()
    if (!this.#isLeaving && !isBlankSql(this.#typed)) await this.#carryOut(this.#typed)
    return this.#exitCode
  }

  async *#prompted(): AsyncGenerator<string> {
    this.#prompt()
    for await (const line of this.#lines) {
      yield line
      this.#prompt()
    }
    if (this.#isInteractive) this.#io.err('\n')
  }

  #prompt(): void {
    if (!this.#isInteractive) return
    this.#lines.setPrompt(isBlankSql(this.#typed) ? PROMPT : MORE_PROMPT)
    this.#lines.prompt()
  }

  async #take(line: string): Promise<void> {
    if (isBlankSql(this.#typed) && isShellWord(line)) return this.#guarded(() => shellWord(line, this))
    const { statements, rest, isRestBlank } = splitStatements(`${this.#typed}${line}\n`)
    this.#typed = isRestBlank ? '' : rest
    for (const [i, statement] of statements.entries()) {
      await this.#carryOut(statement)
      if (!this.#isCancelled) continue
      if (i < statements.length - 1) this.say(`${statements.length - 1 - i} more of the line are not carried out`)
      break
    }
  }

  #carryOut(sql: string): Promise<void> {
    return this.#guarded(async () => {
      this.#open = null
      if (this.format !== 'table' || this.#to.out !== undefined)
        return answer(this.query, sql, { ...this.#to, format: this.format }, this.#io)
      this.#open = await this.query.open(sql)
      this.#shown = 0
      if (this.#open !== null) await this.showMore()
      else if (this.#isInteractive) this.say('done')
    })
  }

  async showMore(): Promise<void> {
    const open = this.#open
    if (open === null) return this.say('there is nothing more to show')
    this.#shown += await open.write('table', (text) => this.#show(text), this.pageRows)
    const isAll = !(await open.hasMore())
    if (isAll) this.#open = null
    const more = `the first ${countText(this.#shown)} rows; .more shows the next, .rows N sets how many come at once\n`
    this.show(isAll ? rowsText(this.#shown) : more)
  }

  show(text: string): void {
    this.#io.out(text)
  }

  say(text: string): void {
    this.#io.err(`${text}\n`)
  }

  help(): void {
    this.show(SHELL_HELP)
  }

  leave(): void {
    this.#isLeaving = true
  }

  #show(text: string): void {
    if (this.#isCancelled) throw new ReplayError('query-cancelled', 'cancelled', { category: 'input' })
    this.#io.out(text)
  }

  async #guarded(work: () => Promise<void> | void): Promise<void> {
    this.#isAtWork = true
    this.#isCancelled = false
    try {
      await work()
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error
      this.#open = null
      if (this.#isCancelled) this.say('cancelled')
      else this.say(`error ${error.code}: ${error.message}`)
      if (!this.#isInteractive && this.#exitCode === 0) this.#exitCode = exitCodeOf(error)
    } finally {
      this.#isAtWork = false
    }
  }

  /** Ctrl-C: ends the statement that runs, or that is being typed. */
  #cancel(): void {
    if (this.#isAtWork) {
      this.#isCancelled = true
      this.query.interrupt()
      return
    }
    const isEmpty = isBlankSql(this.#typed) && this.#lines.line === ''
    this.#typed = ''
    // Ends the line that was begun without taking it.
    this.#lines.write(null, { ctrl: true, name: 'e' })
    this.#lines.write(null, { ctrl: true, name: 'u' })
    this.#io.err(isEmpty ? '\nto leave: Ctrl-D, or exit\n' : '^C\n')
    this.#prompt()
  }

  async #complete(line: string, done: Completed): Promise<void> {
    const word = /[\w.]*$/.exec(line)![0]
    const found = await completionsOf(word, this.query).catch(() => [])
    done(null, [found, word])
  }
}

type Completed = (error: null, result: [string[], string]) => void
