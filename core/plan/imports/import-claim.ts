import { ReplayError } from '../../errors.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { isCancelled } from '../run/run-cancel.ts'
import { runFiles } from '../run/run-files.ts'

/** The run that imports into an archive now: two at once could each join its messages to a log as it was before the other did. */
const CLAIM = '_imports/active.json'

interface Claim {
  readonly run: string
  /** Of what it imports (`PlannedImports`). */
  readonly digest: string
}

/**
 * Makes a run the one that imports into an archive. A run that was cancelled, or was started on a machine and killed there, gives way.
 * @throws ReplayError input `import-active` while a submitted run imports
 */
export async function claimArchive(archive: ObjectStore, claim: Claim): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(claim)}\n`)
  for (;;) {
    if ((await archive.put(CLAIM, bytes, 'absent')) !== null) return
    const found = await archive.get(CLAIM)
    if (found === null) continue
    const { run } = decode(found.bytes)
    if (run === claim.run) return
    if ((await archive.get(runFiles(run).request)) !== null && !(await isCancelled(archive, run))) {
      const message = `run ${run} imports into this archive; wait for its end, or resume or cancel it: ${archive.uri}/${runFiles(run).folder.slice(0, -1)}`
      throw new ReplayError('import-active', message, { category: 'input', path: archive.uri })
    }
    if ((await archive.put(CLAIM, bytes, { ifMatch: found.etag })) !== null) return
  }
}

/** The run that was importing the same when it was killed; null: none was. */
export async function findInterrupted(archive: ObjectStore, digest: string): Promise<string | null> {
  const found = await archive.get(CLAIM)
  if (found === null) return null
  const claim = decode(found.bytes)
  if (claim.digest !== digest || (await isCancelled(archive, claim.run))) return null
  return (await archive.get(runFiles(claim.run).plan)) === null ? null : claim.run
}

export async function holdsArchive(archive: ObjectStore, run: string): Promise<boolean> {
  const found = await archive.get(CLAIM)
  return found !== null && decode(found.bytes).run === run
}

/** Lets others import, once a run has committed. */
export async function releaseArchive(archive: ObjectStore, run: string): Promise<void> {
  if (await holdsArchive(archive, run)) await archive.delete(CLAIM)
}

function decode(bytes: Uint8Array): Claim {
  return JSON.parse(new TextDecoder().decode(bytes)) as Claim
}
