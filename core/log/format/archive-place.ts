import path from 'node:path'

/*
 * An archive's logs are the folders `v1/<venue>/<symbol>/<YYYY-MM-DD>/<stream>/` that hold segments (docs/format.md, Archives). The place
 * decides, not the name: a venue, symbol or stream may be called anything that a folder can be called, `.BXBT`, `_X`, `a=b` or
 * `snapshots`, and what other programs leave beside them (`.DS_Store`, `_SUCCESS`, `.ipynb_checkpoints`) has no such folders.
 */

/** What the place of a log in an archive says. */
export interface ArchivePlace {
  readonly venue: string
  readonly symbol: string
  /** `YYYY-MM-DD`. */
  readonly date: string
  readonly stream: string
}

/** The place that a path ends with; null when it is none. */
export function archivePlaceOf(parts: readonly string[]): ArchivePlace | null {
  const [v1, venue, symbol, date, stream] = parts.slice(-5)
  if (v1 !== 'v1' || date === undefined || stream === undefined || !isDate(date)) return null
  return { venue: venue!, symbol: symbol!, date, stream }
}

/** Whether a text is a day of the calendar, `YYYY-MM-DD`. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const milliseconds = Date.parse(`${text}T00:00:00Z`)
  // 30 February is taken for 1 March.
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(text)
}

/**
 * Whether logs in a folder are looked at: none below `_…` (metadata of tables), `snapshots` and `readers` (of a log), unless that
 * is the name of a venue, symbol or stream.
 * @param root parts of the path that was asked for @param below those from there on
 */
export function isLogPlace(root: readonly string[], below: readonly string[]): boolean {
  const named = archivePlaceOf([...root, ...below]) === null ? 0 : 4
  return !below.slice(0, Math.max(0, below.length - named)).some(isKeptOut)
}

/** Whether a folder may be, or lead to, one whose logs are looked at. */
export function mayHoldLogs(root: readonly string[], below: readonly string[]): boolean {
  const parts = [...root, ...below]
  // As a venue, symbol, or stream; a date is never kept out.
  const isName = [2, 3, 5].some((depth) => parts.at(-depth) === 'v1')
  return isName || !isKeptOut(below.at(-1)!)
}

function isKeptOut(name: string): boolean {
  return name.startsWith('_') || name === 'snapshots' || name === 'readers'
}

/** Parts of a path; on Windows backslashes separate them, elsewhere they are characters like others. */
export function pathParts(place: string): string[] {
  return place.split(path.sep === '\\' && !place.includes('://') ? /[\\/]+/ : /\/+/).filter((part) => part !== '')
}

/** Whether systems and other programs leave files, or folders, of this name behind, which say nothing of an archive. */
export function isForeignName(name: string): boolean {
  return FOREIGN.test(name)
}

const FOREIGN =
  /^(\.DS_Store|\.localized|\._.*|Thumbs\.db|desktop\.ini|\.gitkeep|\.gitignore|\.keep|\.nfs.*|\.directory|_SUCCESS|_committed_.*|_started_.*|.*\.crc|.*_\$folder\$|.*~|\.ipynb_checkpoints|\.git|\.svn|\.Spotlight-V100|\.Trashes|\.fseventsd|__MACOSX|@eaDir|lost\+found)$/
