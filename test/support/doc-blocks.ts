/** A fenced block of a page. */
export interface DocBlock {
  /** Heading of the section it is in. */
  readonly section: string
  readonly kind: string
  readonly text: string
  /** A comment before it says that it is not to be run. */
  readonly isSkipped: boolean
}

/** The fenced blocks of a page, in order. */
export function docBlocks(page: string): DocBlock[] {
  return page.split(/^## /m).flatMap((section) =>
    [...section.matchAll(/(<!-- not run[^\n]*-->\n)?```(\w+)\n(.*?)```/gs)].map(([, skip, kind, text]) => ({
      section: section.split('\n')[0]!,
      kind: kind!,
      text: text!,
      isSkipped: skip !== undefined,
    })),
  )
}

/** Lines of a block of commands. */
export function commandsOf({ text }: DocBlock): string[] {
  return text.split('\n').filter((line) => line.trim() !== '')
}
