import type { DuckDBValue } from '@duckdb/node-api'
import { formatRows, type QueryColumn, type TextFormat } from './query-format.ts'

/** A result that is read as far as it is wanted. */
export class OpenResult {
  readonly columns: readonly QueryColumn[]
  readonly #chunks: AsyncIterator<DuckDBValue[][]>
  #left: DuckDBValue[][] = []

  constructor(columns: readonly QueryColumn[], chunks: AsyncIterable<DuckDBValue[][]>) {
    this.columns = columns
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Writes the next rows, at most `count`, as `formatRows` does; a table without its foot. Gives how many there were. */
  write(format: TextFormat, write: (text: string) => void | Promise<void>, count = Number.POSITIVE_INFINITY): Promise<number> {
    return formatRows(format, this.columns, this.#take(count), write, format !== 'table')
  }

  async *#take(count: number): AsyncGenerator<DuckDBValue[][]> {
    for (let missing = count; missing > 0 && (await this.hasMore()); ) {
      const rows = this.#left.slice(0, missing)
      this.#left = this.#left.slice(rows.length)
      missing -= rows.length
      yield rows
    }
  }

  async hasMore(): Promise<boolean> {
    if (this.#left.length > 0) return true
    const next = await this.#chunks.next()
    if (next.done !== true) this.#left = next.value
    return this.#left.length > 0
  }
}
