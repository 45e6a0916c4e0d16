import type { FileGlance } from '../../importer.ts'

/** The first lines of a file as text; one that the first bytes do not hold whole is among them as far as it is there. */
export function headLines({ head }: FileGlance): string[] {
  return new TextDecoder('latin1').decode(head).split(/\r?\n/)
}
