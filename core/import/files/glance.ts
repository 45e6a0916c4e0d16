import { ReplayError } from '../../errors.ts'
import type { FileGlance } from '../importer.ts'
import { openBytes, type StoredFile } from './byte-stream.ts'

const HEAD_BYTES = 64 << 10

/**
 * A first look at a file.
 * @throws ReplayError input `input-empty`, `input-unreadable`, `input-html`, `zip-entries`; corrupt `<compression>-damaged` where not even its begin can be read
 */
export async function glanceAt(file: StoredFile): Promise<FileGlance> {
  const { path } = file
  if (file.bytes === 0) throw new ReplayError('input-empty', 'the file is empty', { category: 'input', path })
  const pieces: Uint8Array[] = []
  let bytes = 0
  let isWhole = true
  // What is damaged behind its begin is told by whoever reads it.
  const onTruncated = (error: ReplayError): void => {
    if (bytes === 0) throw error
    isWhole = false
  }
  for await (const piece of openBytes(file, { onTruncated })) {
    pieces.push(piece.slice(0, HEAD_BYTES - bytes))
    bytes += piece.length
    if (bytes < HEAD_BYTES) continue
    isWhole = bytes === HEAD_BYTES
    break
  }
  const head = Buffer.concat(pieces)
  if (looksLikeHtml(head)) {
    const message = 'this is a web page, not data: was an error page saved as the file? Download it again'
    throw new ReplayError('input-html', message, { category: 'input', path })
  }
  if (head.length === 0) throw new ReplayError('input-empty', 'the file is empty once it is decompressed', { category: 'input', path })
  return { name: nameOf(path), path, head, isWhole }
}

export function nameOf(path: string): string {
  return path.slice(path.replaceAll('\\', '/').lastIndexOf('/') + 1)
}

function looksLikeHtml(head: Uint8Array): boolean {
  return /^\s*(?:\ufeff)?<(?:!doctype html|html|\?xml|error>)/i.test(new TextDecoder('latin1').decode(head.subarray(0, 200)))
}
