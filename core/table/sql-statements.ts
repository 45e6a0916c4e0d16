/** Text with statements, as far as they are whole. */
export interface SplitSql {
  /** Each without its semicolon; those with nothing but space and comments are left out. */
  readonly statements: readonly string[]
  /** What comes behind the last semicolon: the beginning of a statement, or space. */
  readonly rest: string
  /** The rest is nothing but space and comments. */
  readonly isRestBlank: boolean
}

/** Splits SQL at its semicolons, but at none within quotes (`'…'`, `"…"`, `$$…$$`, `$tag$…$tag$`) and comments. */
export function splitStatements(sql: string): SplitSql {
  const statements: string[] = []
  let start = 0
  let hasWords = false
  TOKEN.lastIndex = 0
  for (let token = TOKEN.exec(sql); token !== null; token = TOKEN.exec(sql)) {
    const [text] = token
    // A quote or comment that does not end takes in the rest.
    if (text === ';') {
      if (hasWords) statements.push(sql.slice(start, token.index).trim())
      start = TOKEN.lastIndex
      hasWords = false
    } else if (!/^\s|^--|^\/\*/.test(text)) hasWords = true
  }
  return { statements, rest: sql.slice(start), isRestBlank: !hasWords }
}

/** Whether there is nothing but space and comments. */
export function isBlankSql(sql: string): boolean {
  const { statements, isRestBlank } = splitStatements(sql)
  return statements.length === 0 && isRestBlank
}

/** A quoted text, a comment, a semicolon, space, or else one character. */
const TOKEN =
  /(?<![\w$])[eE]'(?:[^'\\]|''|\\[\s\S])*(?:'|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$(\w*)\$[\s\S]*?(?:\$\1\$|$)|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$)|;|\s+|[\s\S]/g
