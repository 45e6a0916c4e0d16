import type { LogFolder, SegmentEntry } from '../stores/log-folder.ts'
import { openSegmentFile } from './segment-file.ts'

/** Whether a segment holds the bytes of its compressed form beside it. @throws ReplayError `segment-unreadable`, `frame-*` */
export async function equalsCompressed(folder: LogFolder, plain: SegmentEntry): Promise<boolean> {
  const name = `${plain.name}.zst`
  const a = openSegmentFile(plain)
  try {
    const b = openSegmentFile({ ...plain, name, path: `${folder.path}/${name}`, compressed: true })
    try {
      if (a.bytes !== b.bytes) return false
      const [own, other] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)]
      for (let at = 0; at < a.bytes; at += CHUNK_BYTES) {
        const [gotA, gotB] = [await a.read(own, 0, CHUNK_BYTES, at), await b.read(other, 0, CHUNK_BYTES, at)]
        if (gotA !== gotB || own.compare(other, 0, gotB, 0, gotA) !== 0) return false
      }
      return true
    } finally {
      await b.close()
    }
  } finally {
    await a.close()
  }
}

const CHUNK_BYTES = 1 << 20
