/** A pipeline per symbol: its trades, decoded, into a Parquet file of its own. Run by multi-symbol-replay.ts in worker threads. */
import path from 'node:path'
import { ArchiveSource, ReplayPipeline, type SymbolTask, TYPE_TRADE } from '../core/index.ts'

export function createPipeline({ symbol, logs, data }: SymbolTask): ReplayPipeline {
  const { folder } = data as { folder: string }
  return ReplayPipeline.fromSource(new ArchiveSource(logs))
    .filterTypes([TYPE_TRADE])
    .writeToParquet(path.join(folder, `${symbol}.parquet`), { rows: 'trades' })
}
