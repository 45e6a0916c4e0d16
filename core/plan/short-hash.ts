import crypto from 'node:crypto'

/** SHA-256 of a text, its first 32 hex digits: 128 bits tell apart all that a table will ever hold. */
export function shortHash(text: string): string {
  return crypto.hash('sha256', text, 'hex').slice(0, 32)
}

/** The same for hashes that are kept by the million: a slice would keep all of its text alive. */
export function keptShortHash(text: string): string {
  SCRATCH.write(crypto.hash('sha256', text, 'hex'), 0, 32, 'latin1')
  return SCRATCH.toString('latin1')
}

const SCRATCH = Buffer.alloc(32)
