import { ReplayError } from '../../errors.ts'
import type { SequencePolicyState } from '../sequence/sequence-policy.ts'

/** Where the last applied message of a snapshot lies. */
export interface SnapshotPosition {
  /** UTC day of the archive folder, `YYYY-MM-DD`; null for a log outside an archive. */
  readonly date: string | null
  /** Segment id. */
  readonly segment: number
  /** Byte offset of its record in the uncompressed segment. */
  readonly offset: number
}

/**
 * What a CHRSNAP1 file cannot hold, as JSON beside it (`snapshot_<seq>.json`). It makes a snapshot a restart point:
 * sequences restart, so only the position says which message it follows; the policy goes on where it was; and the
 * fingerprint says which inputs it came from.
 */
export interface SnapshotSidecar {
  readonly version: 1
  /** Bytes and CRC32 (eight hex digits) of the snapshot file: a sidecar of another one is ignored. */
  readonly bytes: number
  readonly crc32: string
  readonly position: SnapshotPosition
  /** Decimal strings; 0 = the stream has none. */
  readonly lastIds: { readonly updateId: string; readonly nativeSeq: string; readonly headerSeq: string }
  readonly policy: SequencePolicyState
  /** Fingerprint of the inputs; compared as an opaque text. */
  readonly inputs: string
}

export function encodeSidecar(sidecar: SnapshotSidecar): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(sidecar)}\n`)
}

/** @throws ReplayError corrupt `snapshot-sidecar` when the text is no sidecar of this version */
export function decodeSidecar(bytes: Uint8Array, path: string): SnapshotSidecar {
  let value: Partial<SnapshotSidecar> | null
  try {
    value = JSON.parse(new TextDecoder().decode(bytes)) as Partial<SnapshotSidecar> | null
  } catch (cause) {
    throw new ReplayError('snapshot-sidecar', 'snapshot sidecar: not JSON', { category: 'corrupt', path, cause })
  }
  const isWhole =
    value?.version === 1 &&
    typeof value.bytes === 'number' &&
    typeof value.crc32 === 'string' &&
    typeof value.inputs === 'string' &&
    typeof value.position?.segment === 'number' &&
    typeof value.position.offset === 'number' &&
    typeof value.lastIds?.updateId === 'string' &&
    Array.isArray(value.policy?.markets)
  if (!isWhole)
    throw new ReplayError('snapshot-sidecar', 'snapshot sidecar: not version 1, or fields are missing', { category: 'corrupt', path })
  return value as SnapshotSidecar
}
