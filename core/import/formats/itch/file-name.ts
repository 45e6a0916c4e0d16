import { isDate } from '../../messages/new-york-midnight.ts'

/** What names say: files hold neither date nor venue. */
export interface ItchFileName {
  readonly venue: 'nasdaq' | 'bx' | 'psx'
  /** `YYYY-MM-DD`; null: the name has none. */
  readonly date: string | null
  /** Whether the name says that it is ITCH. */
  readonly isNamed: boolean
}

/**
 * Known: `01302020.NASDAQ_ITCH50`, `20200130.BX_ITCH_50`, `20200130.PSX_ITCH_50`, `S013020-v50.txt` (also `-v50-bx`, `-v50-psx`); a date
 * is found in others as well where it has eight digits, or the form `2020-01-30`.
 */
export function parseFileName(name: string): ItchFileName {
  const words = name.toLowerCase().split(/[^a-z0-9]+/)
  return {
    venue: words.includes('psx') ? 'psx' : words.includes('bx') ? 'bx' : 'nasdaq',
    date: dateOf(name),
    isNamed: /(?:nasdaq|bx|psx)_itch_?\d*\b|^s\d{6}-v\d\d|\.itch\b/i.test(name),
  }
}

function dateOf(name: string): string | null {
  const short = /^[a-z](\d\d)(\d\d)(\d\d)-v\d/i.exec(name)
  if (short !== null) return real(`20${short[3]}-${short[1]}-${short[2]}`)
  const iso = /(?<!\d)\d{4}-\d\d-\d\d(?!\d)/.exec(name)
  if (iso !== null && isDate(iso[0])) return iso[0]
  for (const [digits] of name.matchAll(/(?<!\d)\d{8}(?!\d)/g)) {
    // No year of these begins as a month does.
    const found =
      real(`${digits.slice(4)}-${digits.slice(0, 2)}-${digits.slice(2, 4)}`) ??
      real(`${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`)
    if (found !== null) return found
  }
  return null
}

function real(date: string): string | null {
  return isDate(date) ? date : null
}
