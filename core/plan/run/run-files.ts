import { ReplayError } from '../../errors.ts'

/** Folder of all runs in a table's store. */
export const RUNS_FOLDER = '_chronicle/runs/'

/** Keys of the objects of one run, relative to the table. All but the outcome are written once; nothing but `vacuum` deletes them. */
export interface RunFiles {
  /** Ends with `/`. */
  readonly folder: string
  /** What a submitted run was asked for, and what carries it out (run-request.ts). */
  readonly request: string
  /** The archive as it was listed for the request (handed-listing.ts). */
  readonly listing: string
  /** What the last commit of a submitted run came to. */
  readonly outcome: string
  /** The head of the plan (plan-document.ts). Written last: a run without it was never planned to the end. */
  readonly plan: string
  /** JSON array with a line per task (plan-document.ts). */
  readonly tasks: string
  /** The job module as one JavaScript file. */
  readonly bundle: string
  /** Its source map, where it has one. */
  readonly bundleMap: string
  /** Its presence asks tasks to stop and `commit` to refuse. */
  readonly cancel: string
  /** Prefix of the receipts objects. */
  readonly receipts: string
  /** Prefix of the shares. */
  readonly shares: string
  /** Shares of tasks: what they run, several in one file. */
  share(file: string): string
  /** The head of a plan that one of several planners made, until it is the run's. */
  plannedHead(planner: string): string
  /** The tasks of the n-th resumption of a submitted run, from 1. */
  resumed(n: number): string
  /** Prefix of the receipts objects of one task. */
  taskReceipts(task: string): string
  /** The receipts object of one attempt at a task. */
  receipt(task: string, attempt: string): string
}

/** @throws ReplayError input `run-id` */
export function runFiles(run: string): RunFiles {
  const folder = `${RUNS_FOLDER}${requireRunId(run)}/`
  return {
    folder,
    request: `${folder}request.json`,
    listing: `${folder}listing.zst`,
    outcome: `${folder}outcome.json`,
    plan: `${folder}plan.json`,
    tasks: `${folder}tasks.json`,
    bundle: `${folder}bundle.js`,
    bundleMap: `${folder}bundle.js.map`,
    cancel: `${folder}cancel`,
    receipts: `${folder}receipts/`,
    shares: `${folder}shares/`,
    share: (file) => `${folder}shares/${requireShare(file)}.jsonl`,
    plannedHead: (planner) => `${folder}shares/${requireWord('planner', planner)}.json`,
    resumed: (n) => `${folder}resume-${n}.json`,
    taskReceipts: (task) => `${folder}receipts/${requireWord('task', task)}-`,
    receipt: (task, attempt) => `${folder}receipts/${requireWord('task', task)}-${requireWord('attempt', attempt)}.jsonl`,
  }
}

/**
 * A new run id, e.g. `20240808T120000Z-7f3a09c2`: runs sort by time, and two of the same second differ.
 * @param nowMs milliseconds since the epoch; @param random gives numbers in [0, 1)
 */
export function newRunId(nowMs: number, random: () => number): string {
  const time = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')
  return `${time}Z-${Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')}`
}

/** The name of a task: `000123`. */
export function taskName(index: number): string {
  return String(index).padStart(6, '0')
}

/** The name of a file of shares: `00012`, or `k3x9-00012` of one of several planners. */
export function shareName(index: number, planner: string | null): string {
  return `${planner === null ? '' : `${planner}-`}${String(index).padStart(5, '0')}`
}

/** Who made a share, by its name; null: the only planner. */
export function plannerOf(share: string): string | null {
  return share.includes('-') ? share.slice(0, share.indexOf('-')) : null
}

/**
 * Names an attempt. Names of later ones sort behind those of earlier ones, so that the first receipts win.
 * @param nowMs milliseconds since the epoch; @param word tells attempts of the same moment apart: a-z and 0-9, up to 55
 */
export function attemptName(nowMs: number, word: string): string {
  return nowMs.toString(36).padStart(ATTEMPT_TIME, '0') + word
}

/** Characters of the time at the beginning of an attempt's name. */
export const ATTEMPT_TIME = 9

/** Splits a run's URI `<table>/_chronicle/runs/<run>`; null when it is none (then it may be an id). */
export function splitRunUri(uri: string): { readonly table: string; readonly run: string } | null {
  const at = uri.lastIndexOf(`/${RUNS_FOLDER}`)
  if (at < 0) return null
  return { table: uri.slice(0, at), run: requireRunId(uri.slice(at + 1 + RUNS_FOLDER.length).replace(/\/$/, '')) }
}

function requireRunId(run: string): string {
  if (/^\d{8}T\d{6}Z-[0-9a-f]{8}$/.test(run)) return run
  throw new ReplayError('run-id', `expected a run id like 20240808T120000Z-7f3a09c2, found ${JSON.stringify(run)}`, { category: 'input' })
}

function requireShare(file: string): string {
  if (/^([a-z0-9]{1,20}-)?\d{5,}$/.test(file)) return file
  throw new ReplayError('run-id', `expected the name of a share like 00012, found ${JSON.stringify(file)}`, { category: 'corrupt' })
}

function requireWord(what: string, word: string): string {
  if (/^[a-z0-9]{1,64}$/.test(word)) return word
  throw new ReplayError('run-id', `${what}: expected 1 to 64 of a-z and 0-9, found ${JSON.stringify(word)}`, { category: 'input' })
}
