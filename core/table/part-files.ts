import type { AddFile } from './delta-action.ts'

/** Where DuckDB reads a part, by its key. */
export type FileOf = (key: string) => string

/** The parts of a table as DuckDB may read them. */
export interface PartFiles {
  /** Says how they are read; may run statements for it. */
  open(run: (sql: string) => Promise<unknown>): Promise<void>
  /** Makes these parts readable. @throws ReplayError those of the store; input `part-missing` */
  ready(parts: readonly AddFile[]): Promise<FileOf>
  close(): void
}
