import { ReplayError } from '../errors.ts'
import { placeInSource } from './job-stack.ts'

/** Something outside of messages and parameters that a job's code depends on, so that the same partition may have other rows next time. */
export interface JobEffect {
  readonly kind: 'time' | 'randomness' | 'files' | 'network' | 'environment'
  /** The words of the code, e.g. `Date.now`. */
  readonly what: string
  /** Where in the module's files; null: not known. */
  readonly at: string | null
}

/** Kinds by the words that give them away, in bundled code: comments are gone, and modules are `require("…")`. */
const SIGNS: readonly (readonly [JobEffect['kind'], RegExp])[] = [
  [
    'time',
    /(?<![.\w$])(?:Date\.now|performance\.now|process\.hrtime|setTimeout|setInterval)\b|(?<![.\w$])new Date(?:\(\s*\)|(?!\s*\()\b)/g,
  ],
  ['randomness', /(?<![.\w$])(?:Math\.random|crypto\.(?:randomUUID|getRandomValues|randomBytes))\b/g],
  [
    'network',
    /(?<![.\w$])fetch(?=\s*\()|(?<![.\w$])new (?:WebSocket|EventSource)\b|require\("(?:node:)?(?:http|https|http2|net|tls|dgram|dns)(?:\/promises)?"\)/g,
  ],
  ['files', /require\("(?:node:)?(?:fs|child_process|worker_threads|sqlite)(?:\/promises)?"\)/g],
  ['environment', /(?<![.\w$])process\.(?:env|argv|cwd|pid)\b|require\("(?:node:)?os"\)/g],
]

/** What bundled code depends on, as far as its words tell: the first place of each. */
export function findEffects(code: string, map: string): JobEffect[] {
  const found = new Map<string, JobEffect>()
  for (const [kind, sign] of SIGNS) {
    for (const { 0: words, index } of code.matchAll(sign)) {
      const what = /"([^"]+)"/.exec(words)?.[1] ?? words
      if (!found.has(what)) found.set(what, { kind, what, at: placeInSource(code, index, map) })
    }
  }
  return [...found.values()]
}

const VERBS: Readonly<Record<JobEffect['kind'], string>> = {
  time: 'reads the clock',
  randomness: 'draws at random',
  files: 'reaches for files or programs',
  network: 'reaches for the network',
  environment: 'looks at its environment',
}

/** What is to be said of it before a run. */
export function effectsText(effects: readonly JobEffect[]): string {
  const kinds = [...new Set(effects.map(({ kind }) => kind))]
  const told = kinds.map((kind) => {
    const places = effects.filter((effect) => effect.kind === kind).map(({ what, at }) => (at === null ? what : `${what} at ${at}`))
    return `${VERBS[kind]} (${places.slice(0, 3).join(', ')}${places.length > 3 ? ', …' : ''})`
  })
  return `the job's code ${told.join(', and ')}: a partition that is kept has the rows of the day that it was made on, which the same code and messages need not give again. Take it from messages and parameters; --effects block makes such calls fail, --effects record only keeps them in the plan`
}

/** Modules of Node's that give the same for the same. */
const PURE_MODULES = new Set(['assert', 'buffer', 'events', 'path', 'querystring', 'string_decoder', 'url', 'util', 'zlib'])

/** @throws ReplayError input `job-effect` for a module that reaches outside */
export function requirePureModule(id: string): void {
  if (!PURE_MODULES.has(id.replace(/^node:/, '').split('/')[0]!)) throw refused(`the module ${id}`)
}

/**
 * Names that a job's code finds in place of the real ones where its effects are blocked: what gives the same for the same is as it was. It
 * guards against mistakes; code that wants to get around it can.
 */
export function blockedGlobals(): Readonly<Record<string, unknown>> {
  const refuse = (what: string) => (): never => {
    throw refused(what)
  }
  class BlockedDate extends Date {
    constructor(...given: [] | [number | string | Date]) {
      if (given.length === 0) throw refused('new Date()')
      super(...(given as [number]))
    }
    static override now = refuse('Date.now()')
  }
  const math = Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(Math), random: { value: refuse('Math.random()') } })
  const blocked: Record<string, unknown> = {
    Date: BlockedDate,
    Math: math,
    process: blockedObject('process'),
    crypto: blockedObject('crypto'),
  }
  blocked.performance = blockedObject('performance')
  for (const name of ['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'WebSocket', 'EventSource']) blocked[name] = refuse(name)
  blocked.globalThis = new Proxy(globalThis, {
    get: (target, key) => (typeof key === 'string' && key in blocked ? blocked[key] : Reflect.get(target, key)),
  })
  return blocked
}

/** Whatever is asked of it is refused. */
function blockedObject(name: string): object {
  return new Proxy(
    {},
    {
      get(_target, key) {
        throw refused(`${name}.${String(key)}`)
      },
    },
  )
}

function refused(what: string): ReplayError {
  const message = `${what} is out of bounds for a job whose effects are blocked: rows are to depend on messages and parameters alone`
  return new ReplayError('job-effect', message, { category: 'input' })
}
