/** The pipeline that the worker cases run: every message read and checked, nothing written. */
import { ArchiveSource } from '../core/log/reading/archive-source.ts'
import type { SymbolTask } from '../core/pipeline/multi-symbol-replay.ts'
import { ReplayPipeline } from '../core/pipeline/replay-pipeline.ts'

export function createPipeline({ logs }: SymbolTask): ReplayPipeline {
  return ReplayPipeline.fromSource(new ArchiveSource(logs))
}
