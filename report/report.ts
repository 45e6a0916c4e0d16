import type { ObjectStore } from '../core/store/object-store.ts'
import { pageAssets } from './page-assets.ts'
import { reportHtml } from './report-html.ts'
import { type ReportModel, type ReportModelOptions, readReport } from './report-model.ts'
import type { ReportCommands } from './text-sections.ts'

export interface ReportOptions extends ReportModelOptions {
  readonly commands: ReportCommands
  /** Milliseconds since the epoch. */
  readonly clock: () => number
}

export interface Report {
  readonly model: ReportModel
  /** The page: one file, which needs no other. */
  readonly html: string
}

/**
 * A report on a run: what ran, what came of it, what it cost, how the data is, and charts of the rows.
 * @throws ReplayError input `run-unknown`, `report-column`, `query-failed` (the metric); corrupt `plan-document`, `receipt`
 */
export async function makeReport(store: ObjectStore, { commands, clock, ...options }: ReportOptions): Promise<Report> {
  const [model, assets] = await Promise.all([readReport(store, options), pageAssets()])
  return { model, html: reportHtml(model, commands, assets, clock()) }
}
