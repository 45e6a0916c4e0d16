/**
 * `writer.lock`: one line `<pid> <starttime> <epoch>\n` and a flock(2) (docs/format.md, Small files).
 * `starttime` is field 22 of /proc/<pid>/stat, clock ticks since boot: it tells a process from a later one with its pid.
 */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { needingRoom } from '../../disk-full.ts'
import { ReplayError } from '../../errors.ts'

export const LOCK_NAME = 'writer.lock'

/**
 * The exclusive right to write a queue.
 *
 * Guaranteed, on a local Linux file system: at most one writer at a time, whether chronicle-rs or this library, in other
 * processes, other threads or this one; the right ends with `release()` or with the process, however it ends.
 * Node has no flock(2), so util-linux `flock` takes the lock on our descriptor, which it inherits: the lock belongs to
 * the open file description and stays when that child exits. Node opens descriptors close-on-exec: no other child gets it.
 * Not guaranteed: anything on NFS and other network file systems, across containers that do not share the file,
 * or when someone deletes `writer.lock` while a writer is at work. Readers need no lock.
 */
export class WriterLock {
  readonly path: string
  #descriptor: number | null

  /**
   * Takes the lock without waiting.
   * @throws ReplayError input `writer-active` when another writer holds it, `flock-missing` without the `flock` program, `disk-full`, `store-not-writable`, `lock-failed` otherwise
   */
  static acquire(directory: string): WriterLock {
    const file = path.join(directory, LOCK_NAME)
    const descriptor = needingRoom(file, 'lock', () => fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644))
    try {
      flockExclusively(descriptor, file)
    } catch (error) {
      fs.closeSync(descriptor)
      throw error
    }
    return new WriterLock(file, descriptor)
  }

  private constructor(file: string, descriptor: number) {
    this.path = file
    this.#descriptor = descriptor
  }

  /** Writes who we are, for those who find the lock taken and for readers that ask whether the writer lives. @throws ReplayError input `disk-full` */
  describe(epoch: bigint): void {
    const line = Buffer.from(`${process.pid} ${startTimeOf(process.pid) ?? 0} ${epoch}\n`)
    needingRoom(this.path, 'lock', () => {
      fs.writeSync(this.#descriptor!, line, 0, line.length, 0)
      fs.ftruncateSync(this.#descriptor!, line.length)
    })
  }

  release(): void {
    if (this.#descriptor === null) return
    fs.closeSync(this.#descriptor)
    this.#descriptor = null
  }
}

/** Who a lock file names. */
export interface LockOwner {
  readonly pid: number
  /** Clock ticks since boot. */
  readonly startTime: string
  readonly epoch: bigint
}

/** The owner a queue's lock file names, alive or not; null when there is no (readable) one. */
export function readLockOwner(directory: string): LockOwner | null {
  let text: string
  try {
    text = fs.readFileSync(path.join(directory, LOCK_NAME), 'utf8')
  } catch {
    return null
  }
  const match = /^(\d+) (\d+) (\d+)\s*$/.exec(text)
  return match === null ? null : { pid: Number(match[1]), startTime: match[2]!, epoch: BigInt(match[3]!) }
}

/**
 * Whether a queue's writer is to be thought alive, by the rule of docs/format.md, Small files. A heartbeat older than 5 s means dead even
 * when the process lives (it may hang, and an idle writer has nothing half-done); without a heartbeat the process decides.
 * @param heartbeatNs the control block's, nanoseconds since the epoch
 */
export function writerAlive(directory: string, heartbeatNs: bigint, nowNs: bigint): boolean {
  const stale = nowNs - heartbeatNs > HEARTBEAT_LIMIT_NS
  if (heartbeatNs !== 0n) return !stale
  const owner = readLockOwner(directory)
  return owner !== null && startTimeOf(owner.pid) === owner.startTime
}

const HEARTBEAT_LIMIT_NS = 5_000_000_000n
const FLOCK_CONFLICT = 1

function flockExclusively(descriptor: number, file: string): void {
  // The descriptor becomes the child's number 3.
  const { status, error, stderr } = spawnSync('flock', ['-xn', '3'], { stdio: ['ignore', 'ignore', 'pipe', descriptor] })
  if (status === 0) return
  const place = { category: 'input', path: file } as const
  if (error !== undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') {
    throw new ReplayError(
      'flock-missing',
      'writing a queue needs the `flock` program to lock it; install util-linux (any Linux has it), or write a log with LogWriter',
      place,
    )
  }
  if (status === FLOCK_CONFLICT) {
    const owner = readLockOwner(path.dirname(file))
    const who = owner === null ? 'another process' : `process ${owner.pid}`
    throw new ReplayError(
      'writer-active',
      `the queue already has a writer: ${who}, by its lock file; stop it, or wait until it ends`,
      place,
    )
  }
  throw new ReplayError(
    'lock-failed',
    `cannot lock the queue: ${error?.message ?? (stderr.toString().trim() || `flock ended with ${status}`)}`,
    place,
  )
}

/** Field 22 of /proc/<pid>/stat, or null when there is no such process. */
function startTimeOf(pid: number): string | null {
  let stat: string
  try {
    stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  // Field 2 is the command in parentheses and may hold spaces: count from the last ")".
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
}
