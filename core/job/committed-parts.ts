import type { ObjectStore } from '../store/object-store.ts'
import { findTable } from '../table/delta-log.ts'
import { type LiveCell, LiveCells, livePartCells, readEmptyCells } from './live-cells.ts'
import { type LivePart, type LiveParts, NO_PARTS } from './live-parts.ts'
import { type PlanHead, readPlanHead, type Variant } from './plan-document.ts'

/**
 * What is live in a table, for the next plan: the partitions of the committed parts and those without rows. Code, engine and
 * parameters come from the plans of the runs that made them; where a plan is lost, its partitions are stale.
 */
export async function readCommittedParts(table: ObjectStore): Promise<LiveParts> {
  const state = await findTable(table, { onlyLive: true })
  if (state === null) return NO_PARTS
  const all = [...livePartCells(state), ...(await readEmptyCells(table, state))]
  const heads = new Map<string, PlanHead | null>()
  for (const { run } of all) if (!heads.has(run)) heads.set(run, await readPlanHead(table, run).catch(() => null))
  const cells = new LiveCells(all)
  const partOf = ({ variants, fingerprint, inputs, restart, run }: LiveCell): LivePart => {
    const head = heads.get(run)
    return { variants, fingerprint, inputs, restart, bundle: head?.bundle ?? '', engine: head?.engine ?? '' }
  }
  return {
    job: state.schema.job,
    of: (venue, symbol, startNs, endNs) => cells.of(venue, symbol, startNs, endNs).map(partOf),
    *withRows(archive) {
      for (const { venue, symbol, startNs, endNs, run, path } of all) {
        if (path !== null && heads.get(run)?.archive === archive) yield { venue, symbol, startNs: BigInt(startNs), endNs: BigInt(endNs) }
      }
    },
    overlapping: (venue, symbol, startNs, endNs) => cells.overlapping(venue, symbol, startNs, endNs),
    variants: liveVariants(all, heads),
  }
}

function liveVariants(cells: readonly LiveCell[], heads: ReadonlyMap<string, PlanHead | null>): Variant[] {
  const live = new Set<string>()
  for (const { variants } of cells) for (const id of variants) live.add(id)
  const known = new Map<string, Variant>()
  for (const head of heads.values()) {
    for (const variant of head?.variants ?? []) if (live.has(variant.id)) known.set(variant.id, variant)
  }
  return [...known.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}
